"""Reads a bundle, and refuses one that is not as it was written."""

from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file

from textsieve.worker.errors import ConfigurationError
from textsieve.worker.inference.bundle.manifest import FORMATS, HEADS, LEAST_TOKENS, MANIFEST, Manifest
from textsieve.worker.inference.heads.thresholds import faults
from textsieve.worker.inference.model_folder.model_files import file_sha256


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle that was read and found whole."""

    folder: Path
    manifest: Manifest
    weight: NDArray[np.float32]  # [labels, dim]
    bias: NDArray[np.float32]  # [labels]


def is_bundle(folder: Path) -> bool:
    """Whether the folder says it is a bundle."""
    return (folder / MANIFEST).is_file()


def read_bundle(folder: Path) -> Bundle:
    """Read a bundle and check every file against its hash.

    Raises:
        ConfigurationError: a file is missing, changed or malformed; the message names it and what to do.
    """
    manifest = read_manifest(folder / MANIFEST)
    if HEADS not in manifest.files:
        raise _broken(folder / MANIFEST, f"a hash of {HEADS} in files", "none")
    for name, expected in manifest.files.items():
        _check_file(folder, name, expected)
    weight, bias = _read_head(folder / HEADS, labels=len(manifest.labels))
    return Bundle(folder=folder, manifest=manifest, weight=weight, bias=bias)


def read_manifest(path: Path) -> Manifest:
    """Read a bundle.json, without the files that it names.

    Raises:
        ConfigurationError: as `read_bundle`.
    """
    if not path.is_file():
        raise ConfigurationError(
            f"{path}: expected the description of a bundle, got no such file; set model.path to a folder that "
            "`python -m trainer fit` wrote"
        )
    try:
        content = path.read_bytes()
        found = msgspec.json.decode(content, type=_Versioned).format
        if found not in FORMATS:
            known = f"format {FORMATS[0]} to {FORMATS[-1]}"
            raise _broken(path, known, f"format {found}", "use the worker version that fits the bundle")
        manifest = msgspec.json.decode(content, type=Manifest)
    except (OSError, RecursionError, msgspec.MsgspecError) as error:
        raise _broken(path, "the fields of a bundle", str(error)) from error
    _check_fields(path, manifest)
    return manifest


def _check_fields(path: Path, manifest: Manifest) -> None:
    """What the types do not say."""
    if len(set(manifest.labels)) != len(manifest.labels) or not manifest.labels:
        raise _broken(path, "distinct labels", f"{len(manifest.labels)} labels, some twice or none at all")
    if manifest.max_tokens < LEAST_TOKENS:
        raise _broken(path, f"max_tokens of {LEAST_TOKENS} and more", str(manifest.max_tokens))
    if fault := faults(manifest.thresholds, labels=manifest.labels, multi_label=manifest.multi_label):
        raise _broken(path, "thresholds of some of its labels", fault)


class _Versioned(msgspec.Struct):
    format: int


def _check_file(folder: Path, name: str, expected: str) -> None:
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise _broken(folder / MANIFEST, "paths inside the bundle", name)
    if not path.is_file():
        raise _broken(path, f"the file that {MANIFEST} names", "no such file")
    found = file_sha256(path)
    if found != expected:
        raise _broken(path, f"sha256 {expected}", found)


def _read_head(path: Path, *, labels: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    try:
        tensors = load_file(path)
    except (SafetensorError, KeyError, TypeError, ValueError) as error:  # the latter: a type that numpy has not
        raise _broken(path, "a safetensors file of float32", f"{type(error).__name__}: {error}") from error
    if set(tensors) != {"weight", "bias"}:
        raise _broken(path, "the tensors weight and bias", ", ".join(sorted(tensors)) or "none")
    weight, bias = tensors["weight"], tensors["bias"]
    if weight.ndim != 2 or weight.shape[0] != labels or bias.shape != (labels,):  # noqa: PLR2004 - a matrix
        raise _broken(path, f"a row for each of {labels} labels", f"weight {weight.shape} and bias {bias.shape}")
    kinds = sorted({str(tensor.dtype) for tensor in (weight, bias)})
    if kinds != ["float32"]:
        raise _broken(path, "tensors of float32", ", ".join(kinds))
    if not (np.isfinite(weight).all() and np.isfinite(bias).all()):
        raise _broken(path, "finite weights", "infinite ones or none")
    return weight, bias


def _broken(
    path: Path, expected: str, got: str, remedy: str = "copy the bundle again or train it anew"
) -> ConfigurationError:
    return ConfigurationError(f"{path}: expected {expected}, got {got}; {remedy}")
