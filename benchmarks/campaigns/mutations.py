"""The ways in which copies of one text differ from each other."""

import re
from collections.abc import Callable, Mapping, Sequence

import numpy as np

GREETINGS = ("Hi", "Hello there", "Dear customer", "Hey", "Good morning", "Attention", "Hi again,")
TAILS = ("Thanks", "Reply STOP to end", "Best regards", "See you", "T&Cs apply", "Msg 2 of 2", "Do not reply")
LEET = str.maketrans({"a": "4", "e": "3", "i": "1", "o": "0", "s": "5"})

Mutation = Callable[[str, np.random.Generator, Sequence[str]], str]


def digits(text: str, rng: np.random.Generator, _: Sequence[str]) -> str:
    """Every digit is another one, and there is a number more."""
    return re.sub(r"\d", lambda _: str(rng.integers(10)), text) + f" {rng.integers(1000, 9999)}"


def dressed(text: str, rng: np.random.Generator, _: Sequence[str]) -> str:
    """A greeting before it, a tail behind it."""
    return f"{rng.choice(GREETINGS)} {text} {rng.choice(TAILS)}"


def words(share: float) -> Mutation:
    """That share of the words, at least one, are words of other texts."""

    def changed(text: str, rng: np.random.Generator, vocabulary: Sequence[str]) -> str:
        parts = text.split()
        for place in rng.choice(len(parts), max(1, round(share * len(parts))), replace=False):
            parts[place] = str(rng.choice(vocabulary))
        return " ".join(parts)

    return changed


def reordered(text: str, rng: np.random.Generator, _: Sequence[str]) -> str:
    """Cut into three parts, which come in another order."""
    parts = text.split()
    first, second = sorted(rng.choice(range(1, len(parts)), 2, replace=False))
    pieces = [parts[:first], parts[first:second], parts[second:]]
    return " ".join(word for piece in rng.permutation(3) for word in pieces[piece])


def leet(text: str, rng: np.random.Generator, _: Sequence[str]) -> str:
    """In a third of the words digits stand for letters."""
    return " ".join(word.translate(LEET) if rng.random() < 1 / 3 else word for word in text.split())


MUTATIONS: Mapping[str, Mutation] = {
    "digits": digits,
    "greeting, tail": dressed,
    "10 % of words": words(0.10),
    "25 % of words": words(0.25),
    "reordered": reordered,
    "leet": leet,
}
