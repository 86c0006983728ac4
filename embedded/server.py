"""A child process that serves one loopback port, ready only when it is truly the one that answers there."""

import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from textsieve.embedded.child import Child
from textsieve.embedded.errors import PortTaken, ServerDied, StartFailed
from textsieve.embedded.listening import LOOPBACK, free_port, is_taken, owns_listener

READY_SECONDS = 10.0  # both programs need milliseconds; a loaded machine may need more
READY_POLL_SECONDS = 0.01
STOP_SECONDS = 5.0
PORT_TRIES = 5  # a free port can be taken by somebody else before our program binds it


class Server:
    """A program that can be started, killed and started again on the same port.

    Args:
        name: What people call it; also the name of its log.
        command: The command line for a port.
        answers: Whether the program behind a port speaks its protocol and is ready; must not block for long.
        port: Where to listen on loopback; a free port if None.
        directory: For the log; a temporary one, removed by `stop`, if None.
        hint: How to choose another port, for the message when this one is taken.

    Example:
        >>> with Broker() as broker:  # doctest: +SKIP
        ...     broker.kill()
        ...     broker.start()  # the same port again, and nothing of the old topics
    """

    def __init__(
        self,
        *,
        name: str,
        command: Callable[[int], Sequence[str]],
        answers: Callable[[int], bool],
        port: int | None = None,
        directory: Path | None = None,
        hint: str = "choose another port",
    ) -> None:
        self.name = name
        self._command = command
        self._answers = answers
        self._port = port
        self._directory = directory
        self._temporary: Path | None = None
        self._hint = hint
        self._child: Child | None = None

    def __enter__(self) -> Self:
        return self if self.is_running else self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if kind is not None and issubclass(kind, KeyboardInterrupt):  # a person waits, and nothing here is to be kept
            self.kill()
        self.stop()

    @property
    def port(self) -> int:
        """The loopback port; known from the first start on."""
        if self._port is None:
            raise StartFailed(f"the {self.name} has no port yet: start it first")
        return self._port

    @property
    def address(self) -> str:
        """`host:port`."""
        return f"{LOOPBACK}:{self.port}"

    @property
    def pid(self) -> int:
        """The process id of the last run."""
        if self._child is None:
            raise StartFailed(f"the {self.name} has no process yet: start it first")
        return self._child.pid

    @property
    def is_running(self) -> bool:
        """Whether its process is alive."""
        return self._child is not None and self._child.exit_code is None

    def start(self) -> Self:
        """Start it and wait until it is ready.

        Raises:
            PortTaken: Another process listens on the port that was asked for (or was used before).
            StartFailed: It ended or stayed silent; or it runs already; or this is not the main thread.
        """
        if self.is_running:
            raise StartFailed(f"the {self.name} runs already (process {self.pid})")
        if self._port is not None:
            self._start_on(self._port)
            return self
        for _ in range(PORT_TRIES - 1):
            try:
                return self._start_on(free_port())
            except PortTaken:
                continue
        return self._start_on(free_port())

    def check(self) -> None:
        """See that it still runs.

        Raises:
            ServerDied: It ended by itself.
        """
        if self._child is None or self._child.exit_code is not None:
            code = None if self._child is None else self._child.exit_code
            raise ServerDied(f"the {self.name} ended with exit code {code}; the end of its log:\n{self.tail()}")

    def kill(self) -> None:
        """End it at once, as `kill -9` does; `start` brings it back on the same port."""
        if self._child is not None:
            self._child.kill()

    def signal(self, number: int) -> None:
        """Send its process a signal, such as SIGSTOP and SIGCONT."""
        if self._child is not None:
            self._child.signal(number)

    def restart(self) -> Self:
        """Stop it in order and start it on the same port."""
        self._end()
        return self.start()

    def stop(self) -> None:
        """Stop it in order (SIGTERM, then SIGKILL after 5 s) and remove its temporary directory."""
        self._end()
        self._remove_temporary()

    def tail(self, lines: int = 20) -> str:
        """The last lines of its log."""
        return self._child.tail(lines) if self._child is not None else ""

    def _end(self) -> None:
        if self._child is not None:
            self._child.stop(patience_seconds=STOP_SECONDS)

    def _log_path(self) -> Path:
        if self._directory is None and self._temporary is None:
            self._temporary = Path(tempfile.mkdtemp(prefix=f"textsieve-{self.name}-"))
        return (self._directory or self._temporary or Path()) / f"{self.name}.log"

    def _remove_temporary(self) -> None:
        if self._temporary is not None:
            shutil.rmtree(self._temporary, ignore_errors=True)
            self._temporary = None

    def _start_on(self, port: int) -> Self:
        if is_taken(port):
            raise PortTaken(f"the {self.name} cannot listen on {LOOPBACK}:{port}: it is taken; {self._hint}")
        self._child = child = Child(self._command(port), log_path=self._log_path())
        try:
            self._await_ready(child, port)
        except BaseException:
            child.kill()
            self._remove_temporary()
            raise
        self._port = port
        return self

    def _await_ready(self, child: Child, port: int) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            if (code := child.exit_code) is not None:
                raise self._failure(child, port, f"ended with exit code {code} before it served")
            if owns_listener(child.pid, port) and self._answers(port) and child.exit_code is None:
                return
            time.sleep(READY_POLL_SECONDS)
        raise self._failure(child, port, f"did not answer on {LOOPBACK}:{port} within {READY_SECONDS:.0f} s")

    def _failure(self, child: Child, port: int, what: str) -> StartFailed:
        if is_taken(port) and not owns_listener(child.pid, port):
            return PortTaken(f"the {self.name} cannot listen on {LOOPBACK}:{port}: it is taken; {self._hint}")
        return StartFailed(
            f"the {self.name} ({child.command[0]}) {what}; the end of its log:\n{child.tail() or '(empty)'}"
        )
