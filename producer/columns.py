"""Turns the fields of a row into the message of the wire contract."""

from dataclasses import dataclass

from textsieve.files.rows import BadRow, Row, kind, literal
from textsieve.producer.messages import MAX_VALUE_BYTES, Message, encode

_NAMES = frozenset({"a string", "a number", "null", "nothing"})  # kinds of what can be an id or a key


@dataclass(frozen=True, slots=True)
class Columns:
    """Which field is what; a column of a table may go by its number.

    An `id` of None means the field `id` where a row has one; a `key` of None sends every message
    without a key. The key's field stays an attribute.
    """

    text: str = "text"
    id: str | None = None
    key: str | None = None

    @property
    def needed(self) -> frozenset[str]:
        """The columns that a header must have."""
        return frozenset(column for column in (self.text, self.id, self.key) if column is not None)


def to_message(row: Row, columns: Columns, *, max_value_bytes: int = MAX_VALUE_BYTES) -> Message | BadRow:
    """The row as a message, or what is wrong with it.

    Numbers become ids and keys as they are written; attributes pass through byte for byte.
    """
    columns = _named(columns, row)
    id_column = columns.id or "id"
    if (clash := _find_clash(row, columns.text, id_column)) is not None:
        return BadRow(row.origin, clash)
    missing = sorted(column for column in columns.needed if column not in row.fields)
    if missing:
        return BadRow(row.origin, f"there is no field {', '.join(missing)}")
    text_field, id_field, key_field = row.get(columns.text), row.get(id_column), row.get(columns.key or "")
    if kind(text_field) != "a string":
        return BadRow(row.origin, f"the text (field {columns.text}) is not a string, it is {kind(text_field)}")
    text = literal(text_field) or ""
    if not text.strip():
        return BadRow(row.origin, f"the text (field {columns.text}) is empty")
    for name, found in ((id_column, kind(id_field)), (columns.key, kind(key_field))):
        if found not in _NAMES:
            return BadRow(row.origin, f"the field {name} is neither a string nor a number, it is {found}")
    attributes = {name: value for name, value in row.fields.items() if name not in {columns.text, id_column}}
    value = encode(text, document_id=literal(id_field) or None, attributes=attributes)
    if len(value) > max_value_bytes:  # in the worker's words
        reason = f"expected at most {max_value_bytes} bytes (input.max_value_bytes), got {len(value)}"
        return BadRow(row.origin, reason)
    key = literal(key_field)
    return Message(key.encode() if key else None, value, origin=row.origin)


def _named(columns: Columns, row: Row) -> Columns:
    """The same columns by their names, where some go by their number."""
    if not row.numbered:
        return columns
    return Columns(
        text=row.numbered.get(columns.text, columns.text),
        id=row.numbered.get(columns.id or "", columns.id),
        key=row.numbered.get(columns.key or "", columns.key),
    )


def _find_clash(row: Row, text_column: str, id_column: str) -> str | None:
    for wire_name, column in (("text", text_column), ("id", id_column)):
        if column != wire_name and wire_name in row.fields:
            return f"{column} would become the message's {wire_name}, but there is also a field {wire_name}: rename it"
    return None
