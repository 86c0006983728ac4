"""Tells whoever watches a demo what is waited for, and what to type when it is over."""

import os
import shutil
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from textsieve.terminal import printable

SKIPPED_SHOWN = 5  # rows of a file: enough to see the pattern


@dataclass(slots=True)
class ConsoleLog:
    """Says what happens, each time with the seconds since the demo was asked for.

    Attributes:
        console: for people.
        started_ms: Unix time at which the demo was asked for.
    """

    console: Console
    started_ms: int

    def say(self, what: str) -> None:
        """One line."""
        passed = time.time() - self.started_ms / 1000
        self.console.print(f"{passed:6.1f} s  {printable(what)}", highlight=False, markup=False, soft_wrap=True)

    @contextmanager
    def waiting(self, what: str) -> Iterator[None]:
        """Say what is waited for, with a sign of life on a terminal as long as it takes."""
        self.say(what)
        with self.console.status("Ctrl-C ends it"):
            yield

    def answer_interruption(self, kind: type[BaseException] | None, *_: object) -> None:
        """Answer Ctrl-C at once: the kernel may need seconds to take back the memory of what is ended now."""
        if kind is not None and issubclass(kind, KeyboardInterrupt):
            self.say("interrupted: ending all that was started")

    def name_skipped(self, path: Path, skipped: Sequence[str]) -> None:
        """Name the rows of a file that become no messages."""
        if not skipped:
            return
        self.say(f"of {path} this becomes no message ({len(skipped)} in all):")
        for reason in skipped[:SKIPPED_SHOWN]:
            self.console.print(f"          {printable(reason)}", highlight=False, markup=False, soft_wrap=True)
        if len(skipped) > SKIPPED_SHOWN:
            self.console.print(f"          ... and {len(skipped) - SKIPPED_SHOWN} more like these", highlight=False)


def next_steps(*, settings: Mapping[str, str] | None, file: Path | None, labelled: bool) -> str:
    """What to type when the demo is over.

    Args:
        settings: of what it leaves to look at; None if it leaves nothing.
        file: the user's, if it was not the scenario.
        labelled: the file has true labels.
    """
    textsieve = program()
    if settings is not None:
        exports = "".join(f"export {name}={value}\n" for name, value in settings.items())
        looks = (
            f"{textsieve} tail --from-beginning   # the results, and those to come\n"
            f'{textsieve} classify "a text"        # with the clusters of the demo\n'
            f"{textsieve} dead-letters list\n"
            f"{textsieve} produce --scenario --limit 100 --topic {settings['TEXTSIEVE_KAFKA__INPUT_TOPICS']}\n"
            f"{textsieve} run                     # somebody has to answer them\n"
        )
        return f"In another terminal:\n\n{exports}{looks}"
    own = f"{textsieve} demo --file messages.csv   # your own texts\n" if file is None else ""
    train = f"{textsieve} train fit {file} --out my-model   # your own labels\n" if labelled else ""
    return (
        f'Next:\n\n{textsieve} classify "a text of yours"\n{own}{train}'
        f"{textsieve} up                  # a broker and a store to keep; it says how to use them\n"
    )


def program() -> str:
    """How the one command is called from here."""
    if shutil.which("textsieve"):
        return "textsieve"
    beside = Path(sys.executable).with_name("textsieve")
    if not beside.is_file():
        return f"{_short(Path(sys.executable))} -m textsieve"
    return _short(beside)


def _short(path: Path) -> str:
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative
