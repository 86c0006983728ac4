"""Files that are there whole or not at all."""

import os
from pathlib import Path


def write_whole(path: Path, content: str) -> None:
    """Replace a file at once: an interruption leaves the one before, two processes leave that of one of them.

    Args:
        path: its folder is made if absent.
        content: written as UTF-8.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = unfinished_name(path)
    try:
        unfinished.write_text(content, encoding="utf-8")
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)  # of a full disk; a replaced one is no longer there


def unfinished_name(path: Path) -> Path:
    """Where a process writes what becomes `path` once it is whole: beside it, under a name of its own."""
    return path.with_name(f"{path.name}.{os.getpid()}.unfinished")
