"""The worker processes of one stream: started, frozen, killed, and started again as a supervisor would."""

import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from benchmarks.chaos.control import FaultPointControl, Field
from benchmarks.chaos.mutants import Mutant
from textsieve.embedded.child import Child

STOP_SECONDS = 30.0  # above a worker's own deadline (delivery.shutdown_seconds)
FREEZE_SECONDS = 1.0  # for the kernel to stop a process
LOOK_SECONDS = 0.001


class WorkerProcess:
    """One worker process and the line to it."""

    def __init__(
        self, name: str, settings: Sequence[str], *, directory: Path, mutant: Mutant, armed: str | None
    ) -> None:
        self.name = name
        self.control = FaultPointControl(directory / name)
        if armed is not None:
            self.control.arm(armed)
        self._log = directory / f"{name}.log"
        self._child = Child(
            [
                sys.executable,
                "-m",
                "benchmarks.chaos.worker_process",
                str(self.control.directory),
                mutant.value,
                *settings,
            ],
            log_path=self._log,
        )
        self.ended_by_us = False

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._child.pid

    @property
    def is_alive(self) -> bool:
        """Whether its process exists, frozen or not."""
        return self._child.exit_code is None

    @property
    def exit_code(self) -> int | None:
        """None while it lives."""
        return self._child.exit_code

    @property
    def unfinished(self) -> int:
        """Messages read and not committed."""
        return self.control.page[Field.UNFINISHED]

    @property
    def is_exposed(self) -> bool:
        """Whether it stands between fence and last ack."""
        return bool(self.control.page[Field.EXPOSED])

    def freeze(self) -> None:
        """SIGSTOP, and wait until it takes effect."""
        self._child.signal(signal.SIGSTOP)
        deadline = time.monotonic() + FREEZE_SECONDS
        while self.is_alive and not self._is_stopped() and time.monotonic() < deadline:
            time.sleep(LOOK_SECONDS)

    def thaw(self) -> None:
        """SIGCONT."""
        self._child.signal(signal.SIGCONT)

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        self.ended_by_us = True
        self._child.kill()

    def terminate(self) -> None:
        """SIGTERM; a frozen process sees it when it thaws."""
        self.ended_by_us = True
        self._child.terminate()

    def wait(self) -> int:
        """Its exit code; it is killed when its time is over."""
        return self._child.wait(patience_seconds=STOP_SECONDS)

    def tail(self) -> str:
        """Its last words."""
        return f"--- {self.name} (exit code {self.exit_code})\n{self._child.tail()}"

    def close(self) -> None:
        """Kill it if it lives, and give the line back."""
        if self.is_alive:
            self._child.kill()
        self.control.close()

    def _is_stopped(self) -> bool:
        if sys.platform != "linux":
            time.sleep(0.01)  # nothing says when it stopped
            return True
        try:
            status = Path(f"/proc/{self.pid}/stat").read_text("ascii")
        except OSError:
            return True
        return status.rpartition(")")[2].split()[0] in "TZX"


class Workers:
    """The workers that should be there; the dead are replaced, and what ended by itself is remembered.

    Args:
        size: how many.
        settings: `section.option=value` of all of them.
        directory: for their logs and lines.
        mutant: what is wrong with them.
        armed: fault point that is armed before they start.
    """

    def __init__(
        self, size: int, settings: Sequence[str], *, directory: Path, mutant: Mutant, armed: str | None = None
    ) -> None:
        self._settings, self._directory, self._mutant = tuple(settings), directory, mutant
        self._size = size
        self._started = 0
        self.processes: list[WorkerProcess] = []
        self.errors: list[str] = []  # about workers that ended by themselves, or not as they should
        for _ in range(size):
            self.add(armed=armed)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for process in self.processes:
            process.close()
        self.processes.clear()

    def add(self, *, armed: str | None = None) -> WorkerProcess:
        """Start one more."""
        self._started += 1
        process = WorkerProcess(
            f"worker-{self._started}", self._settings, directory=self._directory, mutant=self._mutant, armed=armed
        )
        self.processes.append(process)
        return process

    def remove_ended(self) -> None:
        """Forget the dead."""
        for process in [process for process in self.processes if not process.is_alive]:
            if not process.ended_by_us:
                self.errors.append(f"ended by itself: {process.tail()}")
            process.close()
            self.processes.remove(process)

    def refill(self) -> None:
        """Forget the dead and start others, up to the size of the workers."""
        self.remove_ended()
        while len(self.processes) < self._size:
            self.add()

    def stop(self) -> None:
        """Ask all to end, and wait; an exit code other than 0 is a error."""
        self.remove_ended()
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            if process.wait() != 0:
                self.errors.append(f"did not end well after SIGTERM: {process.tail()}")
            process.close()
        self.processes.clear()

    @contextmanager
    def frozen(self) -> Iterator[list[WorkerProcess]]:
        """All of them stand still within; those that still live go on afterwards."""
        processes = [process for process in self.processes if process.is_alive]
        for process in processes:
            process.freeze()
        try:
            yield processes
        finally:
            for process in processes:
                if process.is_alive:
                    process.thaw()
