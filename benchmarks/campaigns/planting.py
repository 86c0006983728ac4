"""Streams of real texts, in which campaigns are planted: mutated copies of texts that nobody tuned to."""

import gzip
import json
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Literal

import numpy as np

from benchmarks.campaigns.mutations import MUTATIONS

CAMPAIGNS_PER_MUTATION = 12
SIZES = (20, 60)  # messages of a campaign, least and most
SHORTEST = 8  # words of a text that is planted
ALIKE = 0.25  # Jaccard similarity of 4-grams from which two planted texts would be one campaign

Part = Literal["tuned", "held out"]


@dataclass(frozen=True, slots=True)
class Message:
    """A text, and what it was planted as."""

    text: str
    campaign: int  # -1: of none
    mutation: str  # "": none


def grams(text: str) -> frozenset[str]:
    """The 4-grams of a text."""
    lowered = " ".join(text.lower().split())
    return frozenset(lowered[at : at + 4] for at in range(len(lowered) - 3))


def stream(data: Path, part: Part, seed: int, *, originals: bool) -> Sequence[Message]:
    """Ordinary texts, once each, and campaigns among them, each within a stretch of 2,000 messages.

    Args:
        data: the folder of data sets.
        part: which half of all texts.
        seed: of everything else.
        originals: whether each campaign begins with the text of which the others are copies.
    """
    rng = np.random.default_rng(seed)
    ham, spam = _texts(data, part)
    vocabulary = sorted({word for text in ham for word in text.split() if word.isalpha()})
    bases = _unlike(rng.permutation(spam).tolist(), CAMPAIGNS_PER_MUTATION * len(MUTATIONS))
    placed = [(place, Message(text, -1, "")) for place, text in enumerate(rng.permutation(ham).tolist())]
    for campaign, (base, mutation) in enumerate(zip(bases, list(MUTATIONS) * len(bases), strict=False)):
        begin = rng.uniform(0, len(ham) - 2000)
        if originals:
            placed.append((begin, Message(base, campaign, mutation)))
        for _ in range(rng.integers(*SIZES, endpoint=True)):
            text = MUTATIONS[mutation](base, rng, vocabulary)
            placed.append((begin + rng.uniform(0, 2000), Message(text, campaign, mutation)))
    return [message for _, message in sorted(placed, key=lambda pair: pair[0])]


def _texts(data: Path, part: Part) -> tuple[list[str], list[str]]:
    """Ham of every file and spam, of one half of all texts, by their hash."""
    ham, spam = [], []
    for name in ("sms_spam", "banking77", "clinc150"):
        with gzip.open(data / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
            for row in map(json.loads, lines):
                text = row["text"]
                held_out = blake2b(text.encode(), digest_size=1, person=b"split").digest()[0] % 2 == 1
                if held_out == (part == "held out"):
                    (spam if row["label"] == "spam" else ham).append(text)
    return sorted(set(ham)), sorted(set(spam))


def _unlike(texts: Sequence[str], wanted: int) -> Sequence[str]:
    """The first texts that are long enough and do not resemble one another."""
    chosen: list[tuple[str, frozenset[str]]] = []
    for text in texts:
        own = grams(text)
        if len(text.split()) >= SHORTEST and all(len(own & other) < ALIKE * len(own | other) for _, other in chosen):
            chosen.append((text, own))
        if len(chosen) == wanted:
            return [text for text, _ in chosen]
    raise ValueError(f"expected {wanted} texts unlike each other, got {len(chosen)}; change CAMPAIGNS_PER_MUTATION")
