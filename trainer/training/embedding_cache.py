"""The embeddings of texts before training, computed once for all attempts of an interrupted run."""

from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path

import numpy as np

from textsieve.trainer.data.atomic_write import atomic_path
from textsieve.worker.records import Embeddings

PART = 1024  # texts in a file: what an interruption can lose
_PREFIX = "originals-"
_MATRIX = 2  # dimensions: [texts, dim]


def cached_embeddings(
    folder: Path, *, encoder: str, texts: Sequence[str], embed: Callable[[Sequence[str]], Embeddings]
) -> Embeddings:
    """The embeddings of the texts, [texts, dim], from the folder as far as they are there.

    Args:
        folder: made when there is something to write.
        encoder: its fingerprint.
        texts: what is embedded; at least one.
        embed: some of the texts to [some, dim].
    """
    parts = [texts[start : start + PART] for start in range(0, len(texts), PART)]
    return np.concatenate([_part(folder, encoder, part, embed) for part in parts])


def clear_embedding_cache(folder: Path) -> None:
    """Remove what was remembered."""
    for path in folder.glob(f"{_PREFIX}*"):
        path.unlink()


def _part(folder: Path, encoder: str, texts: Sequence[str], embed: Callable[[Sequence[str]], Embeddings]) -> Embeddings:
    key = sha256("\x00".join((encoder, *texts)).encode("utf-8", "surrogatepass")).hexdigest()[:16]
    path = folder / f"{_PREFIX}{key}.npy"
    found = _found(path, texts=len(texts))
    if found is not None:
        return found
    made = embed(texts)
    with atomic_path(path) as there, there.open("wb") as file:
        np.save(file, made, allow_pickle=False)
    return made


def _found(path: Path, *, texts: int) -> Embeddings | None:
    """What is there, if it is whole: what a crash of the machine has cut is made anew."""
    if not path.is_file():
        return None
    try:
        found: Embeddings = np.load(path, allow_pickle=False)
    except (OSError, EOFError, ValueError):
        return None
    return found if found.ndim == _MATRIX and len(found) == texts else None
