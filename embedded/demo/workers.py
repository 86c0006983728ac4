"""Worker processes, watched from outside through their probes and metrics."""

import http.client
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from textsieve.embedded.child import Child
from textsieve.embedded.errors import DemoFailed
from textsieve.embedded.listening import LOOPBACK, free_port

PROBE_SECONDS = 1.0
POLL_SECONDS = 0.1
STOP_SECONDS = 30.0  # above a worker's own deadline for a graceful stop (delivery.shutdown_seconds)
TAIL_LINES = 15
ASSIGNED = "textsieve_assigned_partitions"


@dataclass(frozen=True, slots=True)
class _Answer:
    """Of a worker's HTTP port."""

    status: int
    body: str


class Worker:
    """One worker process.

    Args:
        name: What its log is called.
        command: Program and arguments that start a worker.
        settings: `section.option=value`, as `--set` takes them.
        directory: Where its log is written.
    """

    def __init__(self, name: str, command: Sequence[str], settings: Sequence[str], *, directory: Path) -> None:
        self.name = name
        self.http_port = free_port()
        self._stage = "starting"
        chosen = [word for setting in (*settings, f"http.port={self.http_port}") for word in ("--set", setting)]
        self._child = Child([*command, *chosen], log_path=directory / f"{name}.log")

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._child.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._child.exit_code

    def stage(self) -> str:
        """What it is at, for people who wait."""
        started = self._get("/startupz")
        if started is not None:  # a busy one may leave a question unanswered: it is where it was
            self._stage = "joining its group" if started.status == http.client.OK else "loading the model"
        return self._stage

    def assigned_partitions(self) -> int:
        """How many partitions it owns, once it says that it is ready; 0 before."""
        ready = self._get("/readyz")
        if ready is None or ready.status != http.client.OK:
            return 0
        metrics = self._get("/metrics")
        for row in () if metrics is None else metrics.body.splitlines():
            name, _, value = row.partition(" ")
            if name == ASSIGNED:
                return int(float(value))
        return 0

    def terminate(self) -> None:
        """Ask it to end; `wait` for it afterwards."""
        self._child.terminate()

    def wait(self) -> int:
        """Its exit code; it is killed when its time is over."""
        return self._child.wait(patience_seconds=STOP_SECONDS)

    def tail(self) -> str:
        """Its last words."""
        end = "still running" if self.exit_code is None else f"exit code {self.exit_code}"
        return f"--- {self.name} ({end})\n{self._child.tail(TAIL_LINES)}"

    def kill(self) -> None:
        """Have it ended at once; `wait` for it afterwards."""
        self._child.signal(signal.SIGKILL)

    def _get(self, path: str) -> _Answer | None:
        connection = http.client.HTTPConnection(LOOPBACK, self.http_port, timeout=PROBE_SECONDS)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return _Answer(response.status, response.read().decode("utf-8", "replace"))
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()


class Workers:
    """The workers of one demo; leaving the context stops those that still run, and kills them at Ctrl-C.

    Args:
        count: How many to start.
        command: Program and arguments that start a worker.
        settings: For all of them, as `--set` takes them.
        directory: Where their logs are written.
    """

    def __init__(self, count: int, command: Sequence[str], settings: Sequence[str], *, directory: Path) -> None:
        self.workers = tuple(
            Worker(f"worker-{number}", command, settings, directory=directory) for number in range(1, count + 1)
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if kind is not None and issubclass(kind, KeyboardInterrupt):  # nobody reads what they would still answer
            for worker in self.workers:  # all first: the kernel takes a while to take a model's memory back
                worker.kill()
            for worker in self.workers:
                worker.wait()
        else:
            self._end()

    def await_partitions(
        self, partitions: int, *, timeout_seconds: float, tell: Callable[[str], object] = lambda _: None
    ) -> None:
        """Wait until every worker is ready and owns some, and together they own all.

        Args:
            partitions: of the input topic.
            timeout_seconds: patience.
            tell: hears what the workers are at, whenever that changes.

        Raises:
            DemoFailed: One of them ended, or the time is over.
        """
        deadline = time.monotonic() + timeout_seconds
        told = ""
        while True:
            if (stages := self._stages()) != told:
                tell(told := stages)
            if ended := self.ended():
                raise DemoFailed("\n".join(ended))
            owned = [worker.assigned_partitions() for worker in self.workers]
            if all(owned) and sum(owned) == partitions:
                return
            if time.monotonic() > deadline:
                raise DemoFailed(
                    f"expected {len(self.workers)} ready workers owning {partitions} partitions together within"
                    f" {timeout_seconds:.0f} s, got {owned}\n{self.tails()}"
                )
            time.sleep(POLL_SECONDS)

    def _stages(self) -> str:
        """Such as `2 workers: 1 loading the model, 1 joining its group`."""
        stages = Counter(worker.stage() for worker in self.workers)
        count = len(self.workers)
        if len(stages) == 1:
            return f"{count} {'worker' if count == 1 else 'workers'}: {next(iter(stages))}"
        return f"{count} workers: {', '.join(f'{number} {stage}' for stage, number in sorted(stages.items()))}"

    def ended(self) -> list[str]:
        """A failure for every worker that does not run."""
        return [
            f"{worker.name} ended early with exit code {worker.exit_code}\n{worker.tail()}"
            for worker in self.workers
            if worker.exit_code is not None
        ]

    def stop(self) -> list[str]:
        """Stop all of them gracefully; a failure for every one whose exit code is not 0."""
        return [
            f"{worker.name}: expected exit code 0 after SIGTERM, got {code}\n{worker.tail()}"
            for worker, code in zip(self.workers, self._end(), strict=True)
            if code != 0
        ]

    def tails(self) -> str:
        """The last words of all of them."""
        return "\n".join(worker.tail() for worker in self.workers)

    def _end(self) -> list[int]:
        for worker in self.workers:  # all first: they leave the group together
            worker.terminate()
        return [worker.wait() for worker in self.workers]
