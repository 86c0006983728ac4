"""A text without what is personal or secret in it."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final, Literal, Self

from textsieve.worker.errors import ConfigurationError
from textsieve.worker.redaction.addresses import emails, ip_addresses, queries
from textsieve.worker.redaction.budget import Budget
from textsieve.worker.redaction.cards import cards
from textsieve.worker.redaction.credentials import secrets
from textsieve.worker.redaction.folding import folded, origins
from textsieve.worker.redaction.ibans import ibans
from textsieve.worker.redaction.keys import Keys, read_keys
from textsieve.worker.redaction.phones import PhoneFinder, phones
from textsieve.worker.redaction.spans import BLANK, Finder, Span, blanked
from textsieve.worker.settings import RedactSettings

Mode = Literal["mask", "pseudonym", "drop"]

# In the order in which they are looked for: what one has found is no part of what the next ones find.
_FINDERS: Final[Mapping[str, Finder]] = MappingProxyType(
    {"url_query": queries, "secret": secrets, "email": emails, "iban": ibans, "ip": ip_addresses, "card": cards}
)
_PHONE: Final = "phone"
_OF_DIGITS: Final = frozenset(("iban", "card", _PHONE))
_DIGITS: Final = re.compile(r"\d(?:\D{0,3}\d){3}")  # most texts have not so many close together
KINDS: Final = (*_FINDERS, _PHONE)


@dataclass(frozen=True, slots=True)
class Redacted:
    """A text that may be kept, and how often something of each kind was taken out of it."""

    text: str
    counts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Redactor:
    """Takes the kinds it was made with out of texts; pure, and in time that grows with the length of a text alone.

    Attributes:
        finders: by kind, in the order in which they are asked.
        phones: asked last, where telephone numbers are to go.
        mode: what stands in the place of what was found: `[email]`, `[email:4f1c09a2b3d4]`, or nothing.
        keys: of pseudonyms.

    Example:
        >>> Redactor.of(["email"]).redact("ask jo@example.org").text
        'ask [email]'
    """

    finders: Mapping[str, Finder]
    phones: PhoneFinder | None = None
    mode: Mode = "mask"
    keys: Keys | None = None

    @classmethod
    def of(
        cls, kinds: Sequence[str] = KINDS, *, regions: Sequence[str] = (), mode: Mode = "mask", keys: Keys | None = None
    ) -> Self:
        """A redactor for some of KINDS.

        Raises:
            ConfigurationError: a region is unknown, or pseudonyms have no key.
        """
        if mode == "pseudonym" and keys is None:
            raise ConfigurationError(
                "redact.key_file: expected a file with a key, because redact.mode is pseudonym, got none; set it, or"
                " redact.mode to mask or drop"
            )
        finders = {kind: finder for kind, finder in _FINDERS.items() if kind in kinds}
        return cls(finders, phones(regions) if _PHONE in kinds else None, mode, keys)

    @classmethod
    def from_settings(cls, settings: RedactSettings) -> Self:
        """The redactor of a worker.

        Raises:
            ConfigurationError: see `of` and `read_keys`.
        """
        keys = None if settings.key_file is None else read_keys(settings.key_file)
        return cls.of(settings.kinds, regions=settings.regions, mode=settings.mode, keys=keys)

    def with_previous_key(self) -> Self:
        """One that makes the pseudonyms of before the key was changed.

        Raises:
            ConfigurationError: there is no key before the current one.
        """
        if self.keys is None or self.keys.previous is None:
            raise ConfigurationError(
                "redact.key_file: expected a second key, the one before the current one, got none; add its line"
            )
        return replace(self, keys=Keys(self.keys.previous))

    @property
    def key_id(self) -> str | None:
        """The id of the key that makes pseudonyms, where there are any."""
        return self.keys.current.id if self.mode == "pseudonym" and self.keys is not None else None

    def redact(self, text: str, *, tenant: str | None = "", budget: Budget | None = None) -> Redacted:
        """The text that may be kept.

        Args:
            text: of any length and script.
            budget: of the message that the text is a part of; None: it is all of the message.
            tenant: whose text it is: pseudonyms of different tenants have nothing in common; None: nobody knows, and a
                mask stands where a pseudonym would.
        """
        plain = folded(text)
        if BLANK in plain:
            plain = plain.replace(BLANK, " ")
        found: list[tuple[Span, str]] = []
        has_digits = _DIGITS.search(plain) is not None
        for kind, finder in self.finders.items():
            spans = finder(plain) if has_digits or kind not in _OF_DIGITS else ()
            if spans:
                found += [(span, kind) for span in spans]
                plain = blanked(plain, spans)
        if self.phones is not None and has_digits:
            found += [(span, _PHONE) for span in self.phones(plain, budget or Budget())]
        if not found:
            return Redacted(text)
        found.sort()
        return Redacted(self._replaced(text, plain, found, tenant), Counter(kind for _, kind in found))

    def _replaced(self, text: str, plain: str, found: Sequence[tuple[Span, str]], tenant: str | None) -> str:
        places = None if len(plain) == len(text) else origins(text)
        parts, place = [], 0
        for (start, end, value), kind in found:
            first, last = (start, end) if places is None else (places[start][0], places[end - 1][1])
            parts += [text[place:first], self._instead(kind, value, tenant)]
            place = last
        return "".join([*parts, text[place:]])

    def _instead(self, kind: str, value: str, tenant: str | None) -> str:
        if self.mode == "drop":
            return ""
        if self.keys is None or self.mode == "mask" or tenant is None:
            return f"[{kind}]"
        return f"[{kind}:{self.keys.current.pseudonym(kind, value, tenant)}]"
