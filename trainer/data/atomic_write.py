"""Files that are there whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def write_atomically(path: Path, content: str) -> None:
    """Replace a file at once: an interruption leaves the one before, two processes leave that of one of them.

    Args:
        path: its folder is made if absent.
        content: written as UTF-8.
    """
    with atomic_path(path) as there:
        there.write_text(content, encoding="utf-8")


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Where to write what takes the place of `path` once it is whole, and goes if it never is; the folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    there = path.with_name(f"{path.name}.{os.getpid()}.unfinished")  # two processes do not meet
    try:
        yield there
        there.replace(path)
    finally:
        there.unlink(missing_ok=True)  # of a full disk; a replaced one is no longer there
