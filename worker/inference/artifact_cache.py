"""A folder of files that can be made again, shared by workers that start at the same time."""

import fcntl
import hashlib
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from textsieve.worker import logs

log = logs.get_logger("model")

MAX_FILES = 24  # newest files; a model leaves four behind for every version of it
DIGEST = 16  # hex digits of a file's sha256 in its name
LOCK_TIMEOUT_SECONDS = 60.0  # for another worker that makes the same file; then it is made here as well
_RETRY_SECONDS = 0.1


class ArtifactCache:
    """Keeps contents by key; what is damaged counts as absent and is removed.

    A file's name ends with a hash of its content and it appears whole, by renaming, so a reader needs no lock. Where
    nothing can be written (a read-only container) nothing is kept, and one WARNING says so.

    Args:
        folder: made when the first file is kept; None keeps nothing.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._warned = False

    def path(self, key: str) -> Path | None:
        """The file with the content kept for the key, found whole: large contents need not be read into memory."""
        for path in self._files(f"{key}.*"):
            with suppress(OSError):
                with path.open("rb") as file:
                    digest = hashlib.file_digest(file, "sha256").hexdigest()[:DIGEST]
                if path.suffix == f".{digest}":
                    with suppress(OSError):  # a read-only folder serves as well
                        os.utime(path)  # the oldest are removed first
                    return path
                log.warning("damaged file removed, it is made again", path=str(path))
                path.unlink()
        return None

    def get(self, key: str) -> bytes | None:
        """The content kept for the key."""
        path = self.path(key)
        with suppress(OSError):
            return path.read_bytes() if path else None
        return None

    def put(self, key: str, content: bytes) -> None:
        """Keep a content; the one kept before for the key, and the oldest beyond MAX_FILES files, are removed."""
        if self._folder is None:
            self._warn_once("there is no folder for caches")
            return
        target = self._folder / f"{key}.{_digest(content)}"
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with tempfile.NamedTemporaryFile(dir=self._folder, prefix=".", delete=False) as file:
                try:
                    file.write(content)
                    file.flush()
                    now = time.time_ns()  # finer than what the file system notes by itself: the newest must be told
                    os.utime(file.name, ns=(now, now))
                    Path(file.name).replace(target)
                except BaseException:
                    Path(file.name).unlink(missing_ok=True)
                    raise
        except OSError as error:
            self._warn_once(f"{self._folder}: {error.strerror or type(error).__name__}")
            return
        stale = self._files(f"{key}.*")[1:]  # the newest stays, whoever wrote it: writers must not remove each other's
        for path in {*stale, *self._files("*.*")[MAX_FILES:]}:
            path.unlink(missing_ok=True)

    @contextmanager
    def lock(self, key: str) -> Iterator[None]:
        """Work on a key while no other process does; after LOCK_TIMEOUT_SECONDS, or without a folder, side by side."""
        with ExitStack() as held:
            if self._folder is not None:
                with suppress(OSError):
                    self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                    _lock(held.enter_context((self._folder / f".{key}.lock").open("wb")).fileno())
            yield

    def _files(self, pattern: str) -> list[Path]:
        """Matching files, newest first; those of others that vanish meanwhile are left out."""
        found: list[tuple[int, Path]] = []
        for path in self._folder.glob(pattern) if self._folder else ():
            with suppress(OSError):
                if not path.name.startswith("."):
                    found.append((path.stat().st_mtime_ns, path))
        return [path for _, path in sorted(found, reverse=True)]

    def _warn_once(self, why: str) -> None:
        if not self._warned:
            log.warning("nothing is kept for the next start; set model.cache_directory", why=why)
        self._warned = True


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:DIGEST]


def _lock(descriptor: int) -> None:
    """Take the lock, or give up after a while; closing the file, or dying, gives it back."""
    deadline = time.monotonic() + LOCK_TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_RETRY_SECONDS)
        else:
            return
