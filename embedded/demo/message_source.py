"""Says what a demo sends, as arguments of the producer."""

from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Protocol

from textsieve.embedded.errors import UnusableFile
from textsieve.files.errors import UnreadableFile
from textsieve.files.layout import Layout
from textsieve.files.reading import read
from textsieve.files.rows import Row
from textsieve.files.sources import Source, find_source
from textsieve.producer.columns import Columns
from textsieve.producer.reading import read_messages

DEFAULT_MESSAGES = 2000
MINIMUM_MESSAGES = 10  # fewer make no clusters worth looking at


class MessageSource(Protocol):
    """Something to send."""

    @property
    def label_column(self) -> str | None:
        """The field of a message that holds its true label, if there is one."""

    def count(self, wanted: int | None) -> int:
        """How many messages it gives when so many are wanted (None: as many as it has)."""

    def skipped(self, wanted: int | None) -> list[str]:
        """What of it becomes no message, where and why, one line each."""

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
        """See MessageSource."""
        return wanted or DEFAULT_MESSAGES

    def skipped(self, wanted: int | None) -> list[str]:
        """See MessageSource."""
        del wanted
        return []

    def arguments(self) -> list[str]:
        """See MessageSource."""
        return ["--scenario", "--seed", str(self.seed)]


@dataclass(frozen=True, slots=True)
class TextFile:
    """A file of the user's."""

    path: Path
    text_column: str = "text"
    labels: str | None = "label"  # the column with the true label, by name or number
    layout: Layout = field(default_factory=Layout)

    @property
    def label_column(self) -> str | None:
        """The name of the column with the true label; it need not be there, unless it goes by its number.

        Raises:
            UnusableFile: The file cannot be read, or has no column of that number.
        """
        if self.labels is None or not self.labels.isdigit():
            return self.labels
        try:
            rows = read(self._source(), needed=[self.text_column, self.labels])
            first = next((row for row in rows if isinstance(row, Row)), None)
        except UnreadableFile as error:
            raise UnusableFile(str(error)) from error
        return self.labels if first is None else first.numbered.get(self.labels, self.labels)

    def count(self, wanted: int | None) -> int:
        """See MessageSource.

        Raises:
            UnusableFile: The file cannot be read, or holds too little.
        """
        scan = self._scan(wanted)
        if scan.messages < MINIMUM_MESSAGES:
            first = f"; {len(scan.skipped)} rows are left out, the first: {scan.skipped[0]}" if scan.skipped else ""
            raise UnusableFile(f"{self.path}: expected at least {MINIMUM_MESSAGES} texts, got {scan.messages}{first}")
        return scan.messages

    def skipped(self, wanted: int | None) -> list[str]:
        """See MessageSource; rows behind the last one that is wanted are not among them.

        Raises:
            UnusableFile: As `count`.
        """
        return self._scan(wanted).skipped

    def arguments(self) -> list[str]:
        """See MessageSource."""
        return [str(self.path), "--text-column", self.text_column, *self.layout.arguments()]

    def _scan(self, wanted: int | None) -> "_Scan":
        skipped: list[str] = []
        try:
            columns = Columns(self.text_column)
            messages = read_messages([self._source()], columns, passes=1, on_bad_row=skipped.append)
            return _Scan(sum(1 for _ in islice(messages, wanted)), skipped)
        except UnreadableFile as error:
            raise UnusableFile(str(error)) from error

    def _source(self) -> Source:
        source = find_source(str(self.path), layout=self.layout)
        if source.is_stream:
            raise UnusableFile(f"{self.path}: expected a file, which is read twice, got a pipe: save it to a file")
        return source


@dataclass(frozen=True, slots=True)
class _Scan:
    """What the rows of a file come to."""

    messages: int
    skipped: list[str]  # what is wrong with each of the others
