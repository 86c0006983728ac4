"""The rows of a file, whatever its format."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

Field = str | msgspec.Raw  # a cell of a table, or a JSON value byte for byte as it stands in the file

_KINDS = {
    ord('"'): "a string",
    ord("{"): "an object",
    ord("["): "an array",
    ord("t"): "a boolean",
    ord("f"): "a boolean",
    ord("n"): "null",
}  # by the first byte of a JSON value
_decode_string = msgspec.json.Decoder(str).decode
_decode_array = msgspec.json.Decoder(list[msgspec.Raw]).decode


@dataclass(frozen=True, slots=True)
class Row:
    """The fields of one row.

    Attributes:
        file: as it was named.
        line: on which the row begins, from 1.
        fields: by the name of their column or key.
        numbered: columns that were asked for by their number (`2`), and their names.
    """

    file: str
    line: int
    fields: Mapping[str, Field]
    numbered: Mapping[str, str] = field(default_factory=dict)

    @property
    def origin(self) -> str:
        """Where it stands: `file:line`."""
        return f"{self.file}:{self.line}"

    def get(self, column: str) -> Field | None:
        """The field of a column, by its name or number; None where there is none."""
        return self.fields.get(self.numbered.get(column, column))


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be read; `reason` never contains its text."""

    origin: str
    reason: str


def kind(value: Field | None) -> str:
    """What a field is, in words: `a string`, `a number`, `a boolean`, `null`, `an array`, `an object`, `nothing`."""
    if value is None:
        return "nothing"
    return "a string" if isinstance(value, str) else _KINDS.get(memoryview(value)[0], "a number")


def literal(value: Field | None) -> str | None:
    """A field as a string: numbers and booleans as they are written; None for null and for nothing.

    Raises:
        ValueError: It is an array or an object.
    """
    if value is None or isinstance(value, str):
        return value
    found = kind(value)
    if found == "a string":
        return _decode_string(value)
    if found in {"an array", "an object"}:
        raise ValueError(f"expected one value, got {found}")
    return None if found == "null" else bytes(value).decode()


def elements(value: Field) -> list[Field]:
    """What an array holds; the field itself where it is none."""
    return [*_decode_array(value)] if not isinstance(value, str) and kind(value) == "an array" else [value]
