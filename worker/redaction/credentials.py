"""Secrets that programs use: keys and tokens known by how they begin, private keys, passwords in URLs."""

import re
from collections.abc import Sequence
from typing import Final

from textsieve.worker.redaction.spans import Span

# Each pattern is bounded, or begins only where a run of its characters begins: no text takes more than linear time.
_AFTER: Final = r"(?<![A-Za-z0-9])"
_TOKENS: Final = {  # the pattern -> one of these must be in the text
    rf"{_AFTER}sk-[\w-]{{20,}}+": ("sk-",),  # OpenAI, Anthropic and others
    rf"{_AFTER}[srp]k_(?:live|test)_[A-Za-z0-9]{{16,}}+": ("k_live_", "k_test_"),  # Stripe
    rf"{_AFTER}whsec_[A-Za-z0-9+/=]{{16,}}+": ("whsec_",),  # Stripe
    rf"{_AFTER}gh[opsur]_[A-Za-z0-9]{{30,}}+": ("gho_", "ghp_", "ghs_", "ghu_", "ghr_"),  # GitHub
    rf"{_AFTER}github_pat_\w{{22,}}+": ("github_pat_",),
    rf"{_AFTER}glpat-[\w-]{{20,}}+": ("glpat-",),  # GitLab
    rf"{_AFTER}A(?:KIA|SIA|BIA|CCA)[A-Z0-9]{{16}}(?![A-Za-z0-9])": ("AKIA", "ASIA", "ABIA", "ACCA"),  # AWS
    rf"{_AFTER}xox[abeoprs]-[A-Za-z0-9-]{{10,}}+": ("xox",),  # Slack
    rf"{_AFTER}xapp-[A-Za-z0-9-]{{10,}}+": ("xapp-",),  # Slack
    rf"{_AFTER}AIza[\w-]{{35}}": ("AIza",),  # Google
    rf"{_AFTER}ya29\.[\w-]{{20,}}+": ("ya29.",),  # Google
    rf"{_AFTER}npm_[A-Za-z0-9]{{36}}": ("npm_",),
    rf"{_AFTER}pypi-[\w-]{{16,}}+": ("pypi-",),
    rf"{_AFTER}hf_[A-Za-z0-9]{{30,}}+": ("hf_",),  # Hugging Face
    rf"{_AFTER}SG\.[\w-]{{16,64}}+\.[\w-]{{16,64}}+": ("SG.",),  # SendGrid
    rf"{_AFTER}dop_v1_[0-9a-f]{{64}}": ("dop_v1_",),  # DigitalOcean
    rf"{_AFTER}shpat_[0-9A-Fa-f]{{32}}": ("shpat_",),  # Shopify
    r"(?<!\d)\d{8,10}:AA[\w-]{33}": (":AA",),  # Telegram
    rf"{_AFTER}eyJ[\w-]{{10,1000}}+(?:\.{{1,2}}[\w-]++){{1,4}}": ("eyJ",),  # JSON Web Token, signed or encrypted
    rf"{_AFTER}(?:[Bb]earer|BEARER)[ \t]{{1,4}}[\w.~+/=-]{{16,}}+": ("earer", "EARER"),
    r"(?<=://)[^\s/?#:\0]{0,64}:[^\s/?#\0]{1,128}(?=@)": ("://",),  # user:password@host
}
_PATTERNS: Final = [(needed, re.compile(pattern)) for pattern, needed in _TOKENS.items()]
_SHORTEST: Final = 16  # characters of a token
_BEGIN, _END = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"), "-----END"


def secrets(text: str) -> Sequence[Span]:
    """Tokens, private keys, and user names with passwords in URLs."""
    found = _private_keys(text) if "-----BEGIN" in text else []
    if "://" not in text and max(map(len, text.split()), default=0) < _SHORTEST:
        return found
    for needed, pattern in _PATTERNS:
        for beginning in needed:  # far quicker than to look for a pattern
            if beginning in text:
                found += [Span(*match.span(), match[0]) for match in pattern.finditer(text)]
                break
    return _apart(found) if len(found) > 1 else found


def _private_keys(text: str) -> list[Span]:
    """From its beginning to its end, or to the end of the text where it was cut off."""
    found: list[Span] = []
    place = 0
    while (begin := _BEGIN.search(text, place)) is not None:
        end = text.find(_END, begin.end())
        line = -1 if end < 0 else text.find("-----", end + len(_END))
        place = len(text) if line < 0 else line + len("-----")
        found.append(Span(begin.start(), place, text[begin.start() : place]))
    return found


def _apart(found: list[Span]) -> list[Span]:
    """The longer of two that overlap."""
    kept: list[Span] = []
    for span in sorted(found, key=lambda span: (span.start, -span.end)):
        if not kept or span.start >= kept[-1].end:
            kept.append(span)
        elif span.end > kept[-1].end:
            kept[-1] = Span(kept[-1].start, span.end, kept[-1].value + span.value)
    return kept
