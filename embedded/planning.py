"""Says what a demo sends, as arguments of the producer."""

import sys
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Protocol

from embedded.errors import UnusableMaterial
from producer.columns import Columns
from producer.errors import ConfigurationError
from producer.intake import read_messages
from producer.sources import Format, find_source

DEFAULT_MESSAGES = 2000
MINIMUM_MESSAGES = 10  # fewer make no clusters worth looking at


class Material(Protocol):
    """Something to send."""

    @property
    def label_column(self) -> str | None:
        """The field of a message that holds its true label, if there is one."""

    def count(self, wanted: int | None) -> int:
        """How many messages it gives when so many are wanted (None: as many as it has)."""

    def arguments(self) -> list[str]:
        """The producer's arguments for it."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """Generated messages, a few of them malformed."""

    seed: int = 0

    @property
    def label_column(self) -> str | None:
        """None: generated texts would flatter any model."""
        return None

    def count(self, wanted: int | None) -> int:
        """See Material."""
        return wanted or DEFAULT_MESSAGES

    def arguments(self) -> list[str]:
        """See Material."""
        return ["--scenario", "--seed", str(self.seed)]


@dataclass(frozen=True, slots=True)
class TextFile:
    """A file of the user's."""

    path: Path
    text_column: str = "text"
    label_column: str | None = "label"
    format: Format | None = None  # by the file's suffix if None

    def count(self, wanted: int | None) -> int:
        """See Material.

        Raises:
            UnusableMaterial: The file cannot be read, or holds too little.
        """
        bad_rows: list[str] = []  # what is wrong with each
        try:
            source = find_source(str(self.path), stdin=sys.stdin.buffer, file_format=self.format)
            messages = read_messages([source], Columns(self.text_column), passes=1, on_bad_row=bad_rows.append)
            found = sum(1 for _ in islice(messages, wanted))
        except ConfigurationError as error:
            raise UnusableMaterial(str(error)) from error
        if found < MINIMUM_MESSAGES:
            first = f"; {len(bad_rows)} rows are left out, the first: {bad_rows[0]}" if bad_rows else ""
            raise UnusableMaterial(f"{self.path}: expected at least {MINIMUM_MESSAGES} texts, came {found}{first}")
        return found

    def arguments(self) -> list[str]:
        """See Material."""
        chosen = [] if self.format is None else ["--format", self.format]
        return [str(self.path), "--text-column", self.text_column, *chosen]
