"""Which texts are sent: deduplicated, in an order fixed by the seed, the same for every system."""

import gzip
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import msgspec

from textsieve.producer.scenario import generate

DATA_SETS = ("sms_spam", "banking77")
SCENARIO_TEXTS = 12_000  # generated for as many distinct ones as a data set holds
VERBATIM = 200  # texts: a repeat comes soon after its original, as in a campaign


@dataclass(frozen=True, slots=True)
class Texts:
    """Distinct texts and where they come from."""

    origin: str
    rows: tuple[str, ...]


def chosen(*, seed: int, folder: Path | None) -> Texts:
    """Text messages and bank customers' questions where `folder` (TEXTSIEVE_DATA) holds them, else a made-up stream.

    The two sets together are about 18 tokens long on average.
    """
    paths = [] if folder is None else [folder / f"{name}.jsonl.gz" for name in DATA_SETS]
    if paths and all(path.is_file() for path in paths):
        return Texts(" and ".join(DATA_SETS), shuffled([row for path in paths for row in read(path)], seed=seed))
    messages = generate(SCENARIO_TEXTS, seed=seed, malformed_share=0, repeat_share=0)
    rows = [msgspec.json.decode(message.value)["text"] for message in messages if message.value is not None]
    return Texts("the producer's scenario", shuffled(rows, seed=seed))


def data_folder() -> Path | None:
    """TEXTSIEVE_DATA, if it is set."""
    name = os.environ.get("TEXTSIEVE_DATA")
    return Path(name) if name else None


def read(path: Path) -> list[str]:
    """The `text` of every line of a gzipped JSONL file."""
    with gzip.open(path, "rb") as lines:
        return [msgspec.json.decode(line)["text"] for line in lines]


def shuffled(rows: Sequence[str], *, seed: int) -> tuple[str, ...]:
    """Every distinct text that is not blank, once, in a random order that the seed fixes."""
    distinct = [row for row in dict.fromkeys(rows) if row.strip()]
    Random(seed).shuffle(distinct)
    return tuple(distinct)


def cycled(rows: Sequence[str], count: int) -> list[str]:
    """`count` texts: all of them again and again. With the cache off a text costs the same every time.

    Raises:
        ValueError: there is nothing to cycle.
    """
    if not rows:
        raise ValueError("expected texts, got none")
    return [rows[number % len(rows)] for number in range(count)]


def with_repeats(rows: Sequence[str], count: int, *, share: float, seed: int) -> list[str]:
    """`count` texts of which so large a share repeats one of the 200 before it; the others are all distinct.

    Where there are not enough distinct ones a number is added, so that no other text repeats by chance.
    """
    rng = Random(seed)
    sent: list[str] = []
    fresh = 0
    for _ in range(count):
        if sent and rng.random() < share:
            sent.append(rng.choice(sent[-VERBATIM:]))
            continue
        lap, row = divmod(fresh, len(rows))
        sent.append(rows[row] if lap == 0 else f"{rows[row]} {lap}")
        fresh += 1
    return sent


def encoded(rows: Sequence[str]) -> list[bytes]:
    """Messages as they are sent."""
    return [msgspec.json.encode({"id": f"b-{number}", "text": text}) for number, text in enumerate(rows)]
