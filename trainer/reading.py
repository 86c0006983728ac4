"""Reads labelled texts from CSV and JSON Lines."""

import csv
import gzip
import json
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from trainer.examples import Examples, Row, dedupe
from worker.errors import ConfigurationError
from worker.normalization import normalize

csv.field_size_limit(1 << 24)  # 16 MiB: one long text must not end the reading; the default is 128 KiB

_ENCODING = "utf-8-sig"  # spreadsheets begin UTF-8 with a byte order mark: it belongs to no column's name


@dataclass(frozen=True, slots=True)
class Columns:
    """Where in a row the text and its labels are, and how the text is read."""

    text: str = "text"
    label: str = "label"
    slice: str | None = None  # a column to report by, such as the channel
    separator: str | None = None  # between the labels of a text; a JSON list needs none
    group: str | None = None  # a column whose equal values must not stand on both sides of a split
    only: tuple[str, str] | None = None  # a column and its value: other rows are not read
    normalize: bool = False  # undo disguised spelling, as the worker does with model.normalize


def read_examples(path: Path, columns: Columns | None = None) -> Examples:
    """Read CSV (with a header) or JSON Lines, gzipped or not, and leave out repeats.

    A file is multi-label if a label is a list somewhere, or a separator is given.

    Args:
        path: `.csv`, `.jsonl` or `.ndjson`, optionally followed by `.gz`; UTF-8.
        columns: names of columns or keys; `text` and `label` if None. Numbers are labels by their text.

    Raises:
        ConfigurationError: no such file, another format, a line that cannot be read, or a column that is not there.
    """
    chosen = columns or Columns()
    fields = _chosen(_fields(path), path, chosen.only)
    multi_label = chosen.separator is not None or any(isinstance(row.get(chosen.label), list) for _, row in fields)
    rows = (_row(row, path, line, chosen, multi_label=multi_label) for line, row in fields)
    return dedupe(rows, multi_label=multi_label)


def read_texts(path: Path, column: str = "text", *, normalized: bool = False) -> tuple[str, ...]:
    """The distinct texts of a file whose labels, if it has any, do not matter.

    Args:
        path: as for `read_examples`.
        column: column or key of the text.
        normalized: undo disguised spelling, as a worker does with model.normalize.

    Raises:
        ConfigurationError: as for `read_examples`.
    """
    texts = ((line, _text(row, path, line, column)) for line, row in _fields(path))
    rows = (
        Row(line=line, text=text, labels=(), reading=normalize(text).text if normalized else None)
        for line, text in texts
    )
    return dedupe(rows).texts


_Fields = tuple[int, Mapping[str, object]]  # line, its columns


def _fields(path: Path) -> list[_Fields]:
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() != ".gz"]
    readers: dict[str, Callable[[IO[str], Path], Iterator[_Fields]]] = {
        ".csv": _csv_fields,
        ".jsonl": _json_fields,
        ".ndjson": _json_fields,
    }
    reader = readers.get(suffixes[-1] if suffixes else "")
    if reader is None:
        raise ConfigurationError(f"{path}: expected .csv, .jsonl or .ndjson (.gz may follow), came {path.name}")
    try:
        with _open(path) as file:
            return list(reader(file, path))
    except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
        raise ConfigurationError(f"{path}: expected a readable UTF-8 file, came {type(error).__name__}") from error


def _chosen(fields: list[_Fields], path: Path, only: tuple[str, str] | None) -> list[_Fields]:
    if only is None:
        return fields
    column, value = only
    found = [(line, row) for line, row in fields if str(row.get(column)) == value]
    if not found:
        raise ConfigurationError(f"{path}: expected rows with {value!r} in {column!r}, came none; correct --only")
    return found


def _open(path: Path) -> IO[str]:
    if path.suffix.lower() == ".gz":
        return gzip.open(path, "rt", encoding=_ENCODING, newline="")
    return path.open(encoding=_ENCODING, newline="")


def _csv_fields(file: IO[str], path: Path) -> Iterator[_Fields]:
    reader = csv.DictReader(file, strict=True)  # else a quote that is never closed takes the rest of the file
    try:
        for row in reader:
            if None in row:  # values beyond the header: the end of a text would be taken for its label
                raise ConfigurationError(
                    f"{path}, line {reader.line_num}: expected {len(reader.fieldnames or ())} values as in the header, "
                    f"came more; put texts with commas in double quotes"
                )
            yield reader.line_num, row
    except csv.Error as error:
        raise ConfigurationError(
            f"{path}, line {reader.line_num}: expected CSV, came one that cannot be read ({error}); put texts with "
            'quotes in double quotes, and double the quotes in them: "say ""hi"""'
        ) from error


def _json_fields(file: IO[str], path: Path) -> Iterator[_Fields]:
    for line, content in enumerate(file, start=1):
        if not content.strip():
            continue
        try:
            row = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise ConfigurationError(f"{path}, line {line}: expected a JSON object, came something else") from error
        if not isinstance(row, dict):
            raise ConfigurationError(f"{path}, line {line}: expected a JSON object, came {type(row).__name__}")
        if "\\ud" in content.casefold() and not _is_unicode(row):
            raise ConfigurationError(f"{path}, line {line}: expected Unicode, came half of a surrogate pair (\\ud...)")
        yield line, row


def _is_unicode(row: dict[str, object]) -> bool:
    try:
        json.dumps(row, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _row(fields: Mapping[str, object], path: Path, line: int, columns: Columns, *, multi_label: bool) -> Row:
    where, text = f"{path}, line {line}", _text(fields, path, line, columns.text)
    if columns.slice is not None and columns.slice not in fields:
        raise ConfigurationError(f"{where}: expected the column {columns.slice!r}, came {_names(fields)}")
    value = None if columns.group is None else fields.get(columns.group)
    group = "" if value is None else str(value)  # 0 is a group like any other
    if columns.group is not None and not group:
        raise ConfigurationError(f"{where}: expected a group in {columns.group!r}, came none; set --group")
    return Row(
        line=line,
        text=text,
        labels=_labels(fields.get(columns.label), where, columns, multi_label=multi_label),
        slice=str(fields[columns.slice]) if columns.slice is not None else "",
        group=group,
        reading=normalize(text).text if columns.normalize else None,
    )


def _text(fields: Mapping[str, object], path: Path, line: int, column: str) -> str:
    text = fields.get(column)
    if not isinstance(text, str):
        came = "none" if column in fields else _names(fields)
        raise ConfigurationError(f"{path}, line {line}: expected a text in {column!r}, came {came}; set --text-column")
    return text


def _names(fields: Mapping[str, object]) -> str:
    return ", ".join(map(str, fields)) or "no columns"


def _labels(value: object, where: str, columns: Columns, *, multi_label: bool) -> tuple[str, ...]:
    values = value if isinstance(value, list) else [value]
    if isinstance(value, str) and columns.separator is not None:
        values = [part.strip() for part in value.split(columns.separator) if part.strip()]
    if any(isinstance(one, bool) or not isinstance(one, str | int) or one == "" for one in values):
        what_to_do = "set --label-column" + ("" if value is None else ", or --label-separator if texts may have none")
        raise ConfigurationError(f"{where}: expected a label in {columns.label!r}, came none; {what_to_do}")
    names = sorted({str(one) for one in values})
    if len(names) != 1 and not multi_label:
        raise ConfigurationError(f"{where}: expected one label in {columns.label!r}, came {len(names)}")
    return tuple(names)
