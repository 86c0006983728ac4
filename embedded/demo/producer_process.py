"""The producer as a process of its own, and its report of what it sent."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import msgspec

from textsieve.embedded.child import Child
from textsieve.modules import module_command

STOP_SECONDS = 10.0
TAIL_LINES = 10


class ProducerReport(msgspec.Struct, frozen=True):
    """What the producer says at its end."""

    acked: int  # messages that the broker has
    failed: int = 0  # messages whose fate is unknown, or that were refused
    bad_rows: int = 0  # rows of the file that never became messages


@dataclass(frozen=True, slots=True)
class ProducerProcess:
    """A running producer; leaving the context stops it."""

    child: Child

    @classmethod
    def start(cls, arguments: Sequence[str], *, directory: Path) -> Self:
        """Start `python -m producer` with these arguments."""
        command = [*module_command("textsieve.producer"), *arguments, "--json"]
        return cls(Child(command, log_path=directory / "producer.log"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None and issubclass(kind, KeyboardInterrupt):
            self.child.kill()
        else:
            self.child.stop(patience_seconds=STOP_SECONDS)

    @property
    def is_done(self) -> bool:
        """Whether it has ended."""
        return self.child.exit_code is not None

    def report(self) -> ProducerReport | None:
        """What it said at its end; None if it has not, or failed before it could."""
        for line in reversed(self.child.tail().splitlines()):
            try:
                return msgspec.json.decode(line, type=ProducerReport)
            except msgspec.MsgspecError:
                continue
        return None

    def tail(self) -> str:
        """Its last words."""
        return f"--- producer (exit code {self.child.exit_code})\n{self.child.tail(TAIL_LINES)}"
