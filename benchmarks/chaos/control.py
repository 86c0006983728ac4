"""Between a worker under test and whoever injects faults into it: one mapped page of numbers, two small files.

The worker counts what it holds in the page, so that a frozen worker can still be asked. The director arms a *fault
point* by writing its name into `armed`; the worker that comes by with unfinished messages says so in `reached` and
stands still until the file is gone, or until it is killed.
"""

import json
import mmap
import time
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Final

ARMED, REACHED, PAGE = "armed", "reached", "page"
PAGE_BYTES: Final = 4096
NAP_SECONDS = 0.005  # a worker that stands at a fault point looks so often whether it may go on


class Field(IntEnum):
    """Where a number stands in the page, counted in 8 bytes."""

    UNFINISHED = 0  # records read and not yet committed
    EXPOSED = 1  # 1 from the fence to the last ack: a longer pause here is the zombie that is listed apart
    OUT_OF_MEMORY = 2  # times the simulated device had no memory
    FAILED = 3  # times the model failed
    BEGUN = 4  # times the worker began again from what is committed


class Page:
    """Numbers shared by two processes; a single aligned write cannot be torn by a SIGSTOP."""

    def __init__(self, directory: Path) -> None:
        self._file = (directory / PAGE).open("r+b")
        self._map = mmap.mmap(self._file.fileno(), PAGE_BYTES)
        self._numbers = memoryview(self._map).cast("q")

    def __getitem__(self, field: Field) -> int:
        return self._numbers[field]

    def __setitem__(self, field: Field, value: int) -> None:
        self._numbers[field] = value

    def close(self) -> None:
        """Unmap; the file stays."""
        self._numbers.release()
        self._map.close()
        self._file.close()


class FaultPoints:
    """The worker's end."""

    def __init__(self, directory: Path) -> None:
        self._armed, self._reached = directory / ARMED, directory / REACHED
        self.page = Page(directory)

    def is_armed(self, point: str) -> bool:
        """Whether the director waits for this worker at this point, and the worker has something to lose."""
        return self.page[Field.UNFINISHED] > 0 and self._names(point)

    def hit(self, point: str) -> None:
        """Come by a fault point: go on at once, or stand still if it is armed."""
        if not self.is_armed(point):
            return
        told = self._reached.with_suffix(".new")
        told.write_text(json.dumps({"point": point, "unfinished": self.page[Field.UNFINISHED]}), "utf-8")
        told.replace(self._reached)
        while self._names(point):
            time.sleep(NAP_SECONDS)

    def _names(self, point: str) -> bool:
        try:
            return self._armed.read_text("utf-8") == point
        except FileNotFoundError:
            return False


@dataclass(frozen=True, slots=True)
class Reached:
    """A worker that stands at a fault point."""

    point: str
    unfinished: int


class FaultPointControl:
    """The director's end."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True)
        (directory / PAGE).write_bytes(bytes(PAGE_BYTES))
        self.directory = directory
        self._armed, self._reached = directory / ARMED, directory / REACHED
        self.page = Page(directory)

    def arm(self, point: str) -> None:
        """Ask the worker to stop at a point when it next comes by with unfinished messages."""
        self._reached.unlink(missing_ok=True)
        new = self._armed.with_suffix(".new")
        new.write_text(point, "utf-8")
        new.replace(self._armed)

    def reached(self, point: str) -> Reached | None:
        """What the worker said at the point, once it stands there."""
        try:
            said = json.loads(self._reached.read_text("utf-8"))
        except FileNotFoundError:
            return None
        return Reached(**said) if said["point"] == point else None

    def release(self) -> None:
        """Let the worker go on."""
        self._armed.unlink(missing_ok=True)
        self._reached.unlink(missing_ok=True)

    def close(self) -> None:
        """Give the page back."""
        self.page.close()
