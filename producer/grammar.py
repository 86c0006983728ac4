"""A small grammar for texts: every template can be said in many ways."""

import random
import re
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Literal

import msgspec

Slots = dict[str, tuple[str, ...]]

_PART = re.compile(r"\{(\w+)\}|\[([^\[\]]*)\]")
_SPACE_BEFORE_STOP = re.compile(r"\s+([?!.,])")


@dataclass(frozen=True, slots=True)
class Kind:
    """A topic or a campaign: templates with `{slot}`, `[one|of|these]` and `#` for a digit."""

    name: str
    weight: float  # share among all kinds, relative
    channels: tuple[str, ...]
    templates: tuple[str, ...]
    starts_at: float = 0.0  # share of the stream that knows nothing of it
    slots: Slots = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Phrases:
    """The kinds of one label, and the slots they share."""

    label: Literal["ham", "spam"]
    slots: Slots
    kinds: tuple[Kind, ...]


def load(name: str) -> Phrases:
    """The phrases of a file of this package: `ham` or `spam`."""
    content = (files("producer") / "phrases" / f"{name}.toml").read_bytes()
    return msgspec.toml.decode(content, type=Phrases)


def compose(kind: Kind, *, shared: Slots, rng: random.Random) -> str:
    """One text of a kind.

    Raises:
        KeyError: A template names a slot that neither the kind nor `shared` has.
    """

    def choose(part: re.Match[str]) -> str:
        slot: str | None = part[1]
        choices: str = part[2]
        if slot is None:
            return rng.choice(choices.split("|"))
        return rng.choice(kind.slots[slot] if slot in kind.slots else shared[slot])

    text = rng.choice(kind.templates)
    while _PART.search(text):
        text = _PART.sub(choose, text)
    text = "".join(rng.choice("0123456789") if letter == "#" else letter for letter in text)
    return _SPACE_BEFORE_STOP.sub(r"\1", " ".join(text.split()))
