"""What a value is that is not the JSON object that was expected: named for people, and unwrapped where that is safe."""

import json
import re
from collections.abc import Container
from typing import Final

_BOM: Final = b"\xef\xbb\xbf"
_REGISTRY_BYTES: Final = 5  # a zero, and the id of a schema in four: the wire format of schema registries
_FIRST_BYTES: Final = {
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
    b"\x1f\x8b": "gzip: let the producer compress (compression.type), not the value",
    b"\x28\xb5\x2f\xfd": "zstd: let the producer compress (compression.type), not the value",
    b"\xac\xed\x00\x05": "a serialised Java object",
    b"Obj\x01": "an Avro file",
}
_ENVELOPES: Final = (  # the fields that tell one, and where its texts are
    ({"specversion", "data"}, "a CloudEvent: set input.text_field to data.text, or where in data it is"),
    (
        {"schema", "payload"},
        "a Kafka Connect envelope: set input.text_field to payload.text, or where in payload it is",
    ),
    ({"before", "after", "op"}, "a change event: set input.text_field to after.text, or where in after it is"),
)
_SURROGATE: Final = re.compile(r"\\u[dD][89a-fA-F]")
_JSON_NAMES: Final = {dict: "object", list: "array", str: "string", bool: "boolean", int: "number", float: "number"}


def unwrapped(value: bytes) -> bytes:
    """The JSON behind the five bytes of a schema registry, where what follows begins as an object does."""
    value = value.removeprefix(_BOM)
    return value[_REGISTRY_BYTES:] if is_framed(value) and value[_REGISTRY_BYTES:].lstrip()[:1] == b"{" else value


def is_framed(value: bytes) -> bool:
    """Whether a value begins as those do that a serialiser with a schema registry wrote: no JSON begins with a zero."""
    return value[:1] == b"\0" and len(value) > _REGISTRY_BYTES and encoding(value) is None


def schema_id(value: bytes) -> int:
    """The id of the schema of a framed value."""
    return int.from_bytes(value[1:_REGISTRY_BYTES], "big")


def encoding(value: bytes) -> str | None:
    """What bytes are that are no UTF-8, or None where nothing is known of them: by their first few."""
    for first, name in _FIRST_BYTES.items():
        if value.startswith(first):
            return name
    begins = "".join("0" if byte == 0 else "x" for byte in value[:8])  # RFC 4627: JSON begins with ASCII, twice
    if begins[:4] in ("0x0x", "x0x0"):
        return "UTF-16"
    return "UTF-32" if begins in ("000x000x", "x000x000") else None


def has_lone_surrogate(plain: str) -> bool:
    """Whether a text is JSON but for half of a surrogate pair, which its grammar allows and Unicode does not."""
    if not _SURROGATE.search(plain):
        return False
    try:
        json.dumps(json.loads(plain, parse_constant=_refuse), ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return True
    except (ValueError, RecursionError):
        return False
    return False


def _refuse(name: str) -> object:
    raise ValueError(f"expected JSON, got {name}")


def envelope(fields: Container[str]) -> str | None:
    """What an object is that has no text where it was looked for, or None where that cannot be told."""
    return next((name for known, name in _ENVELOPES if all(field in fields for field in known)), None)


def json_name(value: object) -> str:
    """The kind of a decoded value, in JSON's words."""
    return "null" if value is None else _JSON_NAMES.get(type(value), type(value).__name__)
