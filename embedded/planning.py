"""Says what a demo sends, as arguments of the producer."""

from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Protocol

from textsieve.embedded.errors import UnusableMaterial
from textsieve.files.errors import UnreadableFile
from textsieve.files.layout import Layout
from textsieve.files.reading import read
from textsieve.files.rows import Row
from textsieve.files.sources import Source, find_source
from textsieve.producer.columns import Columns
from textsieve.producer.reading import read_messages

DEFAULT_MESSAGES = 2000
MINIMUM_MESSAGES = 10  # fewer make no clusters worth looking at


class Material(Protocol):
    """Something to send."""

    @property
    def label_column(self) -> str | None:
        """The field of a message that holds its true label, if there is one."""

    def count(self, wanted: int | None) -> int:
        """How many messages it gives when so many are wanted (None: as many as it has)."""

    def missed(self, wanted: int | None) -> list[str]:
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
        """See Material."""
        return wanted or DEFAULT_MESSAGES

    def missed(self, wanted: int | None) -> list[str]:
        """See Material."""
        del wanted
        return []

    def arguments(self) -> list[str]:
        """See Material."""
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
            UnusableMaterial: The file cannot be read, or has no column of that number.
        """
        if self.labels is None or not self.labels.isdigit():
            return self.labels
        try:
            rows = read(self._source(), needed=[self.text_column, self.labels])
            first = next((row for row in rows if isinstance(row, Row)), None)
        except UnreadableFile as error:
            raise UnusableMaterial(str(error)) from error
        return self.labels if first is None else first.numbered.get(self.labels, self.labels)

    def count(self, wanted: int | None) -> int:
        """See Material.

        Raises:
            UnusableMaterial: The file cannot be read, or holds too little.
        """
        look = self._look(wanted)
        if look.messages < MINIMUM_MESSAGES:
            first = f"; {len(look.missed)} rows are left out, the first: {look.missed[0]}" if look.missed else ""
            raise UnusableMaterial(
                f"{self.path}: expected at least {MINIMUM_MESSAGES} texts, got {look.messages}{first}"
            )
        return look.messages

    def missed(self, wanted: int | None) -> list[str]:
        """See Material; rows behind the last one that is wanted are not among them.

        Raises:
            UnusableMaterial: As `count`.
        """
        return self._look(wanted).missed

    def arguments(self) -> list[str]:
        """See Material."""
        return [str(self.path), "--text-column", self.text_column, *self.layout.arguments()]

    def _look(self, wanted: int | None) -> "_Look":
        missed: list[str] = []
        try:
            columns = Columns(self.text_column)
            messages = read_messages([self._source()], columns, passes=1, on_bad_row=missed.append)
            return _Look(sum(1 for _ in islice(messages, wanted)), missed)
        except UnreadableFile as error:
            raise UnusableMaterial(str(error)) from error

    def _source(self) -> Source:
        source = find_source(str(self.path), layout=self.layout)
        if source.is_stream:
            raise UnusableMaterial(f"{self.path}: expected a file, which is read twice, got a pipe: save it to a file")
        return source


@dataclass(frozen=True, slots=True)
class _Look:
    """What the rows of a file come to."""

    messages: int
    missed: list[str]  # what is wrong with each of the others
