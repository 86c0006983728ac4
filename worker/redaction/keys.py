"""The keys of pseudonyms: one that makes them, and the one before it, by which older ones are still found."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from textsieve.worker.errors import ConfigurationError

PSEUDONYM_BYTES: Final = 6  # of one kind and tenant: among a million values two share one with a chance of 0.2 %
_LEAST_BYTES: Final = 16  # of a key: 128 bits
_MOST_BYTES: Final = 64  # of a key of BLAKE2b
_MOST_KEYS: Final = 2
_LINE: Final = re.compile(r"([A-Za-z0-9._-]{1,32})\s*[:=]\s*([0-9A-Fa-f]+)")


@dataclass(frozen=True, slots=True)
class Key:
    """A secret, and the name that results bear of it."""

    id: str
    secret: bytes

    def __repr__(self) -> str:
        return f"Key(id={self.id!r})"

    def pseudonym(self, kind: str, value: str, tenant: str = "") -> str:
        """What stands for a value: the same for the same kind, tenant and value, and nothing that leads back.

        Args:
            kind: one of KINDS, at most 16 characters.
            value: in the one form that all of its spellings share.
            tenant: whose texts they are: pseudonyms of different tenants have nothing in common.
        """
        content = f"{tenant}\0{value}".encode("utf-8", "surrogatepass")
        return hashlib.blake2b(content, digest_size=PSEUDONYM_BYTES, key=self.secret, person=kind.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Keys:
    """The key that is used, and perhaps the one before it."""

    current: Key
    previous: Key | None = None


def read_keys(path: Path) -> Keys:
    """The keys in a file: `ID = HEXADECIMAL` a line, the current one first; empty lines and those after # are passed.

    Raises:
        ConfigurationError: the file cannot be read, or holds something else; what it holds is never shown.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        kind = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise ConfigurationError(
            f"redact.key_file: expected a readable text file, got {path} ({kind}); correct the path or its rights"
        ) from None
    numbered = [(number, line.strip()) for number, line in enumerate(lines, 1)]
    keys = [_key(path, number, line) for number, line in numbered if line and not line.startswith("#")]
    if not 1 <= len(keys) <= _MOST_KEYS or len({key.id for key in keys}) < len(keys):
        raise ConfigurationError(
            f"redact.key_file: expected one key or two, the current one first, each with an id of its own, got"
            f" {len(keys)} in {path}; keep the current one and the one before it"
        )
    return Keys(*keys)


def _key(path: Path, number: int, line: str) -> Key:
    match = _LINE.fullmatch(line)
    if match is None or not 2 * _LEAST_BYTES <= len(match[2]) <= 2 * _MOST_BYTES or len(match[2]) % 2:
        raise ConfigurationError(
            f"redact.key_file: expected ID = {2 * _LEAST_BYTES} to {2 * _MOST_BYTES} hexadecimal digits in line"
            f" {number} of {path}, got something else; make a key with: openssl rand -hex 32"
        )
    return Key(match[1], bytes.fromhex(match[2]))
