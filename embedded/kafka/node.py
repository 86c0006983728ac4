"""One process of Apache Kafka, broker and controller at once."""

import signal
import time
from collections.abc import Mapping
from pathlib import Path

from textsieve.embedded.broker import speaks_kafka
from textsieve.embedded.child import Child
from textsieve.embedded.errors import PortTaken, ServerDied, StartFailed
from textsieve.embedded.kafka.java import java_command
from textsieve.embedded.kafka.properties import Ports, as_text, node_properties
from textsieve.embedded.listening import LOOPBACK, is_taken, owns_listener

FORMAT_SECONDS = 120.0  # 1 s alone; beside others on a loaded machine it took 12
READY_SECONDS = 180.0  # 2 s alone, 55 s on two cores with a load of 20
READY_POLL_SECONDS = 0.05
STOP_SECONDS = 60.0  # leadership moves before a broker ends


class Node:
    """A broker whose data outlive its process: kill it and start it, and it is the same one.

    Args:
        number: Of 1, 2, 3.
        nodes: Where each of the cluster listens.
        directory: For its properties, data and log.
        classpath: Of Kafka's jars.
        properties: Beside and above our own.
        heap_mb: Of its Java heap.
    """

    def __init__(
        self,
        number: int,
        nodes: Mapping[int, Ports],
        *,
        directory: Path,
        classpath: str,
        properties: Mapping[str, str],
        heap_mb: int,
    ) -> None:
        self.number, self.ports, self.directory = number, nodes[number], directory
        self._file, self._log = directory / "server.properties", directory / "server.log"
        self._classpath, self._heap_mb = classpath, heap_mb
        self._child: Child | None = None
        directory.mkdir(parents=True, exist_ok=True)
        told = node_properties(number, nodes, data=directory / "data", more=properties)
        self._file.write_text(as_text(told), encoding="utf-8")

    @property
    def pid(self) -> int:
        """The process id of the last run."""
        return self._last.pid

    @property
    def is_alive(self) -> bool:
        """Whether its process runs, or is stopped; not whether it answers."""
        return self._child is not None and self._child.exit_code is None

    def format(self, cluster_id: str, *more: str) -> Child:
        """Begin to make its data directory; `formatted` waits for it."""
        arguments = ("format", "--cluster-id", cluster_id, "--config", str(self._file), *more)
        command = java_command(self._classpath, "kafka.tools.StorageTool", *arguments)
        return Child(command, log_path=self.directory / "format.log")

    def formatted(self, formatting: Child) -> None:
        """Wait until the directory is made.

        Raises:
            StartFailed: It could not be.
        """
        if code := formatting.wait(patience_seconds=FORMAT_SECONDS):
            raise StartFailed(f"formatting node {self.number} ended with {code}; it said:\n{formatting.tail()}")

    def launch(self) -> None:
        """Start its process; `await_ready` waits until it serves.

        Raises:
            PortTaken: Somebody else listens where it should.
            StartFailed: It runs already; or this is not the main thread.
        """
        if self.is_alive:
            raise StartFailed(f"node {self.number} runs already (process {self.pid})")
        for port in (self.ports.clients, self.ports.brokers, self.ports.controllers):
            if is_taken(port):
                raise PortTaken(f"node {self.number} cannot listen on {LOOPBACK}:{port}: it is taken; start anew")
        command = java_command(self._classpath, "kafka.Kafka", str(self._file), heap_mb=self._heap_mb)
        self._child = Child(command, log_path=self._log)

    def await_ready(self) -> None:
        """Wait until it answers clients; with three nodes that takes two.

        Raises:
            StartFailed: It ended, or stayed silent.
        """
        child, deadline = self._last, time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            if (code := child.exit_code) is not None:
                raise StartFailed(f"node {self.number} ended with exit code {code} before it served;{self._logs()}")
            if owns_listener(child.pid, self.ports.clients) and speaks_kafka(self.ports.brokers):
                return
            time.sleep(READY_POLL_SECONDS)
        raise StartFailed(f"node {self.number} did not serve within {READY_SECONDS:.0f} s;{self._logs()}")

    def check(self) -> None:
        """See that it still runs.

        Raises:
            ServerDied: It ended.
        """
        if not self.is_alive:
            raise ServerDied(f"node {self.number} of Kafka ended with {self._last.exit_code};{self._logs()}")

    def kill(self) -> None:
        """End it at once, as a lost machine does."""
        if self._child is not None:
            self._child.kill()

    def terminate(self) -> int:
        """Ask it to end (it hands its leadership on), wait, and return the exit code; killed after 60 s."""
        self.cont()  # a stopped process does not hear
        return self._last.stop(patience_seconds=STOP_SECONDS)

    def stop(self) -> None:
        """Freeze it (SIGSTOP): its connections stay and nothing answers."""
        self._last.signal(signal.SIGSTOP)

    def cont(self) -> None:
        """Let it go on after `stop`."""
        self._last.signal(signal.SIGCONT)

    def tail(self, lines: int = 20) -> str:
        """The last lines of its log."""
        return self._child.tail(lines) if self._child is not None else ""

    @property
    def _last(self) -> Child:
        if self._child is None:
            raise StartFailed(f"node {self.number} has no process yet: start it first")
        return self._child

    def _logs(self) -> str:
        return f" the end of {self._log}:\n{self.tail() or '(empty)'}"
