"""Reads labelled texts from the files that the producer reads, and refuses a file for one bad row."""

from dataclasses import dataclass, field
from pathlib import Path

from textsieve.files.errors import UnreadableFile
from textsieve.files.layout import Layout
from textsieve.files.reading import read
from textsieve.files.rows import BadRow, Field, elements, kind, literal
from textsieve.files.rows import Row as Fields
from textsieve.files.sources import find_source
from textsieve.trainer.data.examples import Examples, Row, dedupe
from textsieve.worker.errors import ConfigurationError
from textsieve.worker.normalization import normalize

_LABELS = frozenset({"a string", "a number", "a boolean"})  # kinds of what can be one


@dataclass(frozen=True, slots=True)
class Columns:
    """Where in a row the text and its labels are, and how the text is read; columns of a table also go by number."""

    text: str = "text"
    label: str = "label"
    slice: str | None = None  # a column to report by, such as the channel
    separator: str | None = None  # between the labels of a text; a JSON list needs none
    group: str | None = None  # a column whose equal values must not stand on both sides of a split
    only: tuple[str, str] | None = None  # a column and its value: other rows are not read
    normalize: bool = False  # undo disguised spelling, as the worker does with model.normalize
    layout: Layout = field(default_factory=Layout)  # of the file, where it does not say so itself

    @property
    def needed(self) -> frozenset[str]:
        """The columns that a header must have."""
        only = None if self.only is None else self.only[0]
        return frozenset(name for name in (self.text, self.label, self.slice, self.group, only) if name is not None)


def read_examples(path: Path, columns: Columns | None = None) -> Examples:
    """Read labelled texts and leave out repeats.

    A file is multi-label if a label is a list somewhere, or a separator is given.

    Args:
        path: a table (CSV, TSV) or JSON (lines, or one array), as docs/files.md says.
        columns: names of columns or keys; `text` and `label` if None. Numbers and booleans are labels by their text.

    Raises:
        ConfigurationError: no such file, another format, a row that cannot be read, or a column that is not there.
    """
    chosen = columns or Columns()
    fields = _chosen(_fields(path, chosen.layout, chosen.needed), path, chosen.only)
    labels = [row.get(chosen.label) for row in fields]
    multi_label = chosen.separator is not None or any(kind(label) == "an array" for label in labels)
    return dedupe((_row(row, chosen, multi_label=multi_label) for row in fields), multi_label=multi_label)


def read_texts(
    path: Path, column: str = "text", *, normalized: bool = False, layout: Layout | None = None
) -> tuple[str, ...]:
    """The distinct texts of a file whose labels, if it has any, do not matter.

    Args:
        path: as for `read_examples`, or plain lines.
        column: column or key of the text.
        normalized: undo disguised spelling, as a worker does with model.normalize.
        layout: of the file, where it does not say so itself.

    Raises:
        ConfigurationError: as for `read_examples`.
    """
    texts = ((row.line, _text(row, column)) for row in _fields(path, layout or Layout(), frozenset({column})))
    rows = (
        Row(line=line, text=text, labels=(), normalized=normalize(text).text if normalized else None)
        for line, text in texts
    )
    return dedupe(rows).texts


def _fields(path: Path, layout: Layout, needed: frozenset[str]) -> list[Fields]:
    try:
        source = None if str(path) == "-" else find_source(str(path), layout=layout)
        if source is None or source.is_stream:
            raise ConfigurationError(
                f"{path}: expected a file, which is read more than once, got a pipe: save it first"
            )
        rows = list(read(source, needed=needed))
    except UnreadableFile as error:
        raise ConfigurationError(str(error)) from error
    bad = next((row for row in rows if isinstance(row, BadRow)), None)
    if bad is not None:
        raise ConfigurationError(f"{bad.origin}: {bad.reason}")
    return [row for row in rows if isinstance(row, Fields)]


def _chosen(fields: list[Fields], path: Path, only: tuple[str, str] | None) -> list[Fields]:
    if only is None:
        return fields
    column, value = only
    found = [row for row in fields if _one(row, column) == value]
    if not found:
        raise ConfigurationError(f"{path}: expected rows with {value!r} in {column!r}, got none; correct --only")
    return found


def _row(fields: Fields, columns: Columns, *, multi_label: bool) -> Row:
    text = _text(fields, columns.text)
    if columns.slice is not None and fields.get(columns.slice) is None:
        raise ConfigurationError(f"{fields.origin}: expected the column {columns.slice!r}, got {_names(fields)}")
    group = "" if columns.group is None else _one(fields, columns.group)
    if columns.group is not None and not group:
        raise ConfigurationError(f"{fields.origin}: expected a group in {columns.group!r}, got none; set --group")
    return Row(
        line=fields.line,
        text=text,
        labels=_labels(fields, columns, multi_label=multi_label),
        slice="" if columns.slice is None else _one(fields, columns.slice),
        group=group,
        normalized=normalize(text).text if columns.normalize else None,
    )


def _text(fields: Fields, column: str) -> str:
    found = fields.get(column)
    if kind(found) not in {"a string", "null"}:  # null: a row without text, as an empty cell is
        got = _names(fields) if found is None else kind(found)
        raise ConfigurationError(f"{fields.origin}: expected a text in {column!r}, got {got}; set --text-column")
    return literal(found) or ""


def _one(fields: Fields, column: str) -> str:
    """A value by its text; "" where there is none."""
    try:
        return literal(fields.get(column)) or ""
    except ValueError as error:
        raise ConfigurationError(f"{fields.origin}: {column!r}: {error}") from None


def _names(fields: Fields) -> str:
    return ", ".join(fields.fields) or "no columns"


def _labels(fields: Fields, columns: Columns, *, multi_label: bool) -> tuple[str, ...]:
    value = fields.get(columns.label)
    given: list[Field | None] = [None] if value is None else [*elements(value)]
    if columns.separator is not None and kind(value) == "a string":
        given = [part for part in (literal(value) or "").split(columns.separator) if part.strip()]
    names = {_label(one, fields, columns, got=value) for one in given}
    if len(names) != 1 and not multi_label:
        raise ConfigurationError(f"{fields.origin}: expected one label in {columns.label!r}, got {len(names)}")
    return tuple(sorted(names))


def _label(one: Field | None, fields: Fields, columns: Columns, *, got: Field | None) -> str:
    name = (literal(one) or "").strip() if kind(one) in _LABELS else ""
    if not name:
        what_to_do = "set --label-column" + ("" if got is None else ", or --label-separator if texts may have none")
        found = "none" if kind(one) in {"a string", "nothing"} else kind(one)
        raise ConfigurationError(f"{fields.origin}: expected a label in {columns.label!r}, got {found}; {what_to_do}")
    if len(name.splitlines()) > 1:
        raise ConfigurationError(
            f"{fields.origin}: expected a label in {columns.label!r}, got several lines; set --label-column"
        )
    return name
