"""The embeddings of texts before training, computed once for all attempts of an interrupted run."""

from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path

import numpy as np

from worker.records import Embeddings

_PREFIX = "originals-"


def remembered(folder: Path, *, encoder: str, texts: Sequence[str], embed: Callable[[], Embeddings]) -> Embeddings:
    """The embeddings of the texts, from the folder if they are there.

    Args:
        folder: made when there is something to write.
        encoder: its fingerprint.
        texts: what is embedded.
        embed: makes them, [texts, dim].
    """
    key = sha256("\x00".join((encoder, *texts)).encode("utf-8", "surrogatepass")).hexdigest()[:16]
    path = folder / f"{_PREFIX}{key}.npy"
    if path.is_file():
        found: Embeddings = np.load(path, allow_pickle=False)
        return found
    made = embed()
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".unfinished")
    with unfinished.open("wb") as file:
        np.save(file, made, allow_pickle=False)
    unfinished.replace(path)
    return made


def forget(folder: Path) -> None:
    """Remove what was remembered."""
    for path in folder.glob(f"{_PREFIX}*"):
        path.unlink()
