"""Labelled texts from a file, each once."""

import csv
import gzip
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from worker.errors import ConfigurationError

Row = tuple[str, str]  # text, label

csv.field_size_limit(1 << 24)  # 16 MiB: one long text must not end the reading; the default is 128 KiB


@dataclass(frozen=True, slots=True)
class Examples:
    """Distinct labelled texts in the order of the file, and what was left out on the way."""

    texts: tuple[str, ...]
    labels: tuple[str, ...]  # labels[i] belongs to texts[i]
    rows: int  # in the file
    empty: int  # rows without text
    duplicates: int  # rows that repeat an earlier text with the same label
    conflicts: int  # rows of texts that come with more than one label: all of them are left out

    @property
    def label_names(self) -> tuple[str, ...]:
        """The labels, sorted."""
        return tuple(sorted(set(self.labels)))


def read_examples(path: Path, *, text_column: str = "text", label_column: str = "label") -> Examples:
    """Read CSV (with a header) or JSON Lines, gzipped or not, and leave out repeats.

    Repeats must go before any split: a text that is in both parts is remembered, not understood.

    Args:
        path: `.csv`, `.jsonl` or `.ndjson`, optionally followed by `.gz`; UTF-8.
        text_column: column or key of the text.
        label_column: column or key of the label; numbers are read as their text.

    Raises:
        ConfigurationError: no such file, another format, a line that cannot be read, or a column that is not there.
    """
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() != ".gz"]
    readers = {".csv": _csv_rows, ".jsonl": _json_rows, ".ndjson": _json_rows}
    reader = readers.get(suffixes[-1] if suffixes else "")
    if reader is None:
        raise ConfigurationError(f"{path}: expected .csv, .jsonl or .ndjson (.gz may follow), came {path.name}")
    try:
        with _open(path) as file:
            return dedupe(reader(file, path, text_column, label_column))
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigurationError(f"{path}: expected a readable UTF-8 file, came {type(error).__name__}") from error


def dedupe(rows: Iterable[Row]) -> Examples:
    """Keep the first of every text; texts that differ only in case or white space are the same.

    Texts that come with several labels teach nothing certain: all their rows are left out.
    """
    first: dict[str, Row] = {}
    counts: dict[str, int] = {}
    contradicted: set[str] = set()
    total = empty = 0
    for text, label in rows:
        total += 1
        key = " ".join(text.casefold().split())
        if not key:
            empty += 1
            continue
        counts[key] = counts.get(key, 0) + 1
        if first.setdefault(key, (text, label))[1] != label:
            contradicted.add(key)
    kept = [row for key, row in first.items() if key not in contradicted]
    conflicts = sum(counts[key] for key in contradicted)
    return Examples(
        texts=tuple(text for text, _ in kept),
        labels=tuple(label for _, label in kept),
        rows=total,
        empty=empty,
        duplicates=total - empty - conflicts - len(kept),
        conflicts=conflicts,
    )


def _open(path: Path) -> IO[str]:
    if path.suffix.lower() == ".gz":
        return gzip.open(path, "rt", encoding="utf-8", newline="")
    return path.open(encoding="utf-8", newline="")


def _csv_rows(file: IO[str], path: Path, text_column: str, label_column: str) -> Iterator[Row]:
    reader = csv.DictReader(file)
    for row in reader:
        yield _row(row, f"{path}, line {reader.line_num}", text_column, label_column)


def _json_rows(file: IO[str], path: Path, text_column: str, label_column: str) -> Iterator[Row]:
    for number, line in enumerate(file, start=1):
        if not line.strip():
            continue
        where = f"{path}, line {number}"
        try:
            row = json.loads(line)
        except ValueError as error:
            raise ConfigurationError(f"{where}: expected a JSON object, came something else") from error
        if not isinstance(row, dict):
            raise ConfigurationError(f"{where}: expected a JSON object, came {type(row).__name__}")
        yield _row(row, where, text_column, label_column)


def _row(row: Mapping[str, object], where: str, text_column: str, label_column: str) -> Row:
    text, label = row.get(text_column), row.get(label_column)
    if not isinstance(text, str):
        raise ConfigurationError(f"{where}: expected a text in {text_column!r}, came none; set --text-column")
    if isinstance(label, bool) or not isinstance(label, str | int) or label == "":
        raise ConfigurationError(f"{where}: expected a label in {label_column!r}, came none; set --label-column")
    return text, str(label)
