"""Turns the fields of a row into the message of the wire contract."""

from dataclasses import dataclass

from producer.messages import Message, encode
from producer.rows import BadRow, Row


@dataclass(frozen=True, slots=True)
class Columns:
    """Which field is what.

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


def to_message(row: Row, columns: Columns) -> Message | BadRow:
    """The row as a message, or what is wrong with it. Whole numbers become ids and keys as their digits."""
    id_column = columns.id or "id"
    clash = _find_clash(row.fields, columns.text, id_column)
    if clash is not None:
        return BadRow(row.origin, clash)
    missing = sorted(column for column in columns.needed if column not in row.fields)
    if missing:
        return BadRow(row.origin, f"there is no field {', '.join(missing)}")
    text = row.fields[columns.text]
    if not isinstance(text, str):
        return BadRow(row.origin, f"the text (field {columns.text}) is not a string")
    if not text.strip():
        return BadRow(row.origin, f"the text (field {columns.text}) is empty")
    document_id, key = row.fields.get(id_column), row.fields.get(columns.key or "")
    for name, value in ((id_column, document_id), (columns.key, key)):
        if isinstance(value, bool) or not isinstance(value, str | int | None):
            return BadRow(row.origin, f"the field {name} is neither a string nor a whole number")
    attributes = {name: value for name, value in row.fields.items() if name not in {columns.text, id_column}}
    value = encode(text, document_id=_label(document_id), attributes=attributes)
    key_label = _label(key)
    return Message(None if key_label is None else key_label.encode(), value, origin=row.origin)


def _label(value: object) -> str | None:
    return None if value is None or value == "" else str(value)


def _find_clash(fields: dict[str, object], text_column: str, id_column: str) -> str | None:
    for wire_name, column in (("text", text_column), ("id", id_column)):
        if column != wire_name and wire_name in fields:
            return f"{column} would become the message's {wire_name}, but there is also a field {wire_name}: rename it"
    return None
