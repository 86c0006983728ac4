"""A test marked `alone` has the machine to itself: it states a time, which tests beside it would stretch.

Where several processes share the work, every test enters a room through a gate. Many are in the room at once; one that
is to be alone waits in the gate until the room is empty, and nobody enters behind it.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

FOLDER = pytest.StashKey[Path]()


def pytest_sessionstart(session: pytest.Session) -> None:
    if "PYTEST_XDIST_WORKER" in os.environ:
        session.config.stash[FOLDER] = session.config._tmp_path_factory.getbasetemp().parent  # of all processes


@pytest.hookimpl(wrapper=True, tryfirst=True)  # outside of pytest-timeout: waiting for the others is no fault of a test
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    folder = item.config.stash.get(FOLDER, None)
    if folder is None:
        return (yield)
    with (folder / "gate").open("w") as gate, (folder / "room").open("w") as room:
        with _locked(gate, fcntl.LOCK_EX):
            fcntl.flock(room, fcntl.LOCK_EX if item.get_closest_marker("alone") else fcntl.LOCK_SH)
        return (yield)  # the room is left when its file is closed


@contextmanager
def _locked(file: IO[str], how: int) -> Iterator[None]:
    fcntl.flock(file, how)
    try:
        yield
    finally:
        fcntl.flock(file, fcntl.LOCK_UN)
