"""Labelled texts, each once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from textsieve.worker.errors import ConfigurationError
from textsieve.worker.normalization import normalize

Labels = NDArray[np.str_]  # [texts], exclusive labels
Targets = NDArray[np.bool_]  # [texts, labels], True where the label holds
Groups = NDArray[np.str_]  # [texts], what must not stand on both sides of a split


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a file."""

    line: int  # in the file, from 1; the first one of a text with line breaks
    text: str
    labels: tuple[str, ...]  # sorted, distinct; exactly one where labels are exclusive
    slice: str = ""  # what the slice column says
    group: str = ""  # what the group column says
    normalized: str | None = None  # the text with disguised spelling undone, as a worker does it; None: left as it is

    @property
    def shown(self) -> str:
        """What a model is given."""
        return self.text if self.normalized is None else self.normalized


@dataclass(frozen=True, slots=True)
class Examples:
    """Distinct labelled texts in the order of the file, and what was left out on the way."""

    kept: tuple[Row, ...]
    multi_label: bool  # several labels, or none, may hold at once
    rows: int  # in the file
    empty: int  # rows without text
    duplicates: int  # rows that repeat an earlier text with the same labels
    conflicts: int  # rows of texts that come with different labels: all of them are left out

    @property
    def texts(self) -> tuple[str, ...]:
        """The texts, as a model is given them."""
        return tuple(row.shown for row in self.kept)

    @property
    def label_names(self) -> tuple[str, ...]:
        """The labels, sorted."""
        return tuple(sorted({label for row in self.kept for label in row.labels}))

    @property
    def labels(self) -> Labels:
        """The label of each text, [texts].

        Raises:
            ConfigurationError: the file is multi-label.
        """
        if self.multi_label:
            raise ConfigurationError("expected one label for each text, got lists of labels; leave out --frozen")
        return np.asarray([row.labels[0] for row in self.kept])

    @property
    def groups(self) -> Groups | None:
        """The group of each text, [texts]; None if the texts have none."""
        groups = np.asarray([row.group for row in self.kept])
        return groups if groups.any() else None

    def targets(self, names: Sequence[str]) -> Targets:
        """Which labels hold, [texts, labels].

        Args:
            names: the columns.

        Raises:
            ConfigurationError: a text has a label that is not among them.
        """
        columns = {name: index for index, name in enumerate(names)}
        targets = np.zeros((len(self.kept), len(names)), dtype=np.bool_)
        for index, row in enumerate(self.kept):
            for label in row.labels:
                if label not in columns:
                    known = ", ".join(names[:12])
                    raise ConfigurationError(
                        f"line {row.line}: expected a label that the model knows ({known}), got {label!r}"
                    )
                targets[index, columns[label]] = True
        return targets

    def normalized(self) -> "Examples":
        """The same texts, given to a model as a worker with model.normalize gives them."""
        kept = tuple(replace(row, normalized=normalize(row.text).text) for row in self.kept)
        return replace(self, kept=kept)

    def pick(self, indices: Iterable[int]) -> "Examples":
        """Some of the texts; the counts stay those of the file."""
        return Examples(
            kept=tuple(self.kept[index] for index in indices),
            multi_label=self.multi_label,
            rows=self.rows,
            empty=self.empty,
            duplicates=self.duplicates,
            conflicts=self.conflicts,
        )


def deduplication_key(text: str) -> str:
    """What makes two texts the same: case and white space do not count."""
    return " ".join(text.casefold().split())


def dedupe(rows: Iterable[Row], *, multi_label: bool = False) -> Examples:
    """Keep the first of every text; texts that differ only in case or white space are the same.

    Repeats must go before any split: a text that is in both parts is remembered, not understood. Texts that come with
    different labels teach nothing certain: all their rows are left out.
    """
    first: dict[str, Row] = {}
    counts: dict[str, int] = {}
    contradicted: set[str] = set()
    total = empty = 0
    for row in rows:
        total += 1
        key = deduplication_key(row.shown)
        if not key:
            empty += 1
            continue
        counts[key] = counts.get(key, 0) + 1
        if first.setdefault(key, row).labels != row.labels:
            contradicted.add(key)
    kept = tuple(row for key, row in first.items() if key not in contradicted)
    conflicts = sum(counts[key] for key in contradicted)
    return Examples(
        kept=kept,
        multi_label=multi_label,
        rows=total,
        empty=empty,
        duplicates=total - empty - conflicts - len(kept),
        conflicts=conflicts,
    )
