"""Writes a bundle: whole, or not at all."""

import os
import shutil
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

from textsieve.worker.errors import ConfigurationError
from textsieve.worker.inference.bundle.manifest import (
    FORMAT,
    HEAD_POOLING_FORMAT,
    HEADS,
    MANIFEST,
    MULTILINGUAL_SOURCE,
    READING_FORMAT,
    THRESHOLDS_FORMAT,
    Manifest,
)
from textsieve.worker.inference.bundle.reading import is_bundle, read_manifest
from textsieve.worker.inference.model_folder.model_files import MODEL_FILES, file_sha256

_UNFINISHED = ".unfinished"  # folder inside a bundle's: what is being written, until all of it is there


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
        return set(read_manifest(path).files)
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
