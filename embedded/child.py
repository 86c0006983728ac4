"""A child process that cannot outlive us and whose last words are kept."""

import os
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path

from textsieve.embedded import die_with_parent
from textsieve.embedded.errors import StartFailed

KILL_PATIENCE_SECONDS = 5.0  # for the kernel to end a process that got SIGKILL


class Child:
    """One run of one program, its output in a file.

    It runs in a session of its own: a ctrl-C in the terminal reaches only us, and we stop it in order.

    Args:
        command: Program (absolute path) and arguments.
        log_path: Its standard output and error are appended here.
        environment: Its whole environment; ours if None.

    Raises:
        StartFailed: Not called from the main thread: on Linux the child would die with the calling thread.
    """

    def __init__(self, command: Sequence[str], *, log_path: Path, environment: Mapping[str, str] | None = None) -> None:
        if threading.current_thread() is not threading.main_thread():
            raise StartFailed("expected the main thread, got another: a child ends with the thread that started it")
        self.command = tuple(command)
        self.log_path = log_path
        with log_path.open("ab") as log:
            self._process = subprocess.Popen(
                _dying_with_us(command),
                stdin=subprocess.PIPE,  # its end tells the program in between that we are gone
                stdout=log,
                stderr=subprocess.STDOUT,
                env=None if environment is None else dict(environment),
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The process id; it stays known after the end."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs; minus the signal's number when a signal ended it."""
        return self._process.poll()

    def kill(self) -> None:
        """End it at once (SIGKILL) and wait until it is gone."""
        self._process.kill()
        self._process.wait(KILL_PATIENCE_SECONDS)
        self._close()

    def signal(self, number: int) -> None:
        """Send a signal if it still runs."""
        self._process.send_signal(number)

    def terminate(self) -> None:
        """Ask it to end (SIGTERM)."""
        self.signal(signal.SIGTERM)

    def wait(self, *, patience_seconds: float) -> int:
        """Wait for its end, kill it when the patience is over, and return the exit code."""
        try:
            code = self._process.wait(patience_seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            return -signal.SIGKILL
        self._close()
        return code

    def stop(self, *, patience_seconds: float) -> int:
        """Ask it to end, and wait."""
        self.terminate()
        return self.wait(patience_seconds=patience_seconds)

    def tail(self, lines: int = 20) -> str:
        """The last lines of its output; empty when the file is gone."""
        if not self.log_path.exists():
            return ""
        with self.log_path.open(encoding="utf-8", errors="replace") as log:
            return "".join(deque(log, maxlen=lines)).strip()

    def _close(self) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()


def _dying_with_us(command: Sequence[str]) -> list[str]:
    return [sys.executable, "-I", "-S", die_with_parent.__file__, str(os.getpid()), *command]
