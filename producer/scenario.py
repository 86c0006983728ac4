"""Generates a stream to try a worker with: chat, help desks, spam campaigns, repeats and broken messages.

Every text is composed here from templates; none comes from a data set.
"""

import random
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from textsieve.producer.errors import ConfigurationError
from textsieve.producer.grammar import Kind, Phrases, compose, load
from textsieve.producer.messages import Message, encode

MALFORMED_SHARE = 0.01
REPEAT_SHARE = 0.07  # exact repeats are 7-8 % of real text messages

_REMEMBERED_TEXTS = 200  # a repeat comes soon after its original, as in a campaign
_SHOUTED_SHARE = 0.1  # of spam
_LOWER_CASE_SHARE = 0.3  # of ham
_MOOD_SHARE = 0.1  # of ham
_MOODS = ("lol", "haha", ":)", "🙂", "x", "ta")


@dataclass(frozen=True, slots=True)
class _Utterance:
    kind: Kind
    label: str
    text: str


def generate(
    count: int,
    *,
    seed: int = 0,
    malformed_share: float = MALFORMED_SHARE,
    repeat_share: float = REPEAT_SHARE,
) -> Iterator[Message]:
    """`count` messages with the ids m-000001, m-000002, ...; the same seed gives the same messages.

    Exactly `round(count * malformed_share)` are malformed, so that a test knows how many dead letters to
    expect; about `repeat_share` of the others repeat an earlier text under an id of their own. The topic
    `outage` is unknown in the first half. Attributes: `channel`, `kind` (the topic or campaign) and
    `expected` (`ham` or `spam`). Messages have no key, but for tombstones.

    Raises:
        ConfigurationError: A share is outside 0..1.
    """
    for name, share in (("malformed_share", malformed_share), ("repeat_share", repeat_share)):
        if not 0 <= share <= 1:
            raise ConfigurationError(f"{name}: expected 0 to 1, got {share}")
    return _generate(count, random.Random(seed), malformed_share, repeat_share)


def _generate(count: int, rng: random.Random, malformed_share: float, repeat_share: float) -> Iterator[Message]:
    malformed = sorted(rng.sample(range(count), round(count * malformed_share)))
    breakages = {index: number for number, index in enumerate(malformed)}
    phrases = (load("ham"), load("spam"))
    earlier: deque[_Utterance] = deque(maxlen=_REMEMBERED_TEXTS)
    for index in range(count):
        document_id = f"m-{index + 1:06}"
        if index in breakages:
            yield _break(document_id, breakages[index])
            continue
        if earlier and rng.random() < repeat_share:
            utterance = rng.choice(earlier)
        else:
            utterance = _utter(phrases, progress=index / count, rng=rng)
            earlier.append(utterance)
        kind = utterance.kind
        attributes = {"channel": rng.choice(kind.channels), "kind": kind.name, "expected": utterance.label}
        yield Message(None, encode(utterance.text, document_id=document_id, attributes=attributes), origin=document_id)


def _utter(phrases: Sequence[Phrases], *, progress: float, rng: random.Random) -> _Utterance:
    said = [(kind, part) for part in phrases for kind in part.kinds if progress >= kind.starts_at]
    [(kind, part)] = rng.choices(said, cum_weights=list(accumulate(kind.weight for kind, _ in said)))
    text = compose(kind, shared=part.slots, rng=rng)
    return _Utterance(kind, part.label, _vary(text, label=part.label, rng=rng))


def _vary(text: str, *, label: str, rng: random.Random) -> str:
    """The same words as another thumb would type them."""
    roll = rng.random()
    if label == "spam":
        return text.upper() if roll < _SHOUTED_SHARE else text
    if roll < _LOWER_CASE_SHARE:
        return text.lower()
    return f"{text} {rng.choice(_MOODS)}" if roll < _LOWER_CASE_SHARE + _MOOD_SHARE else text


def _break(document_id: str, number: int) -> Message:
    """A malformed message; consecutive numbers go through every way to be malformed."""
    whole = encode("Is anybody there?", document_id=document_id, attributes={})
    name = document_id.encode()
    ways = (
        (None, whole[:-4]),  # not JSON
        (None, whole.replace(b"anybody", b"any\xffbody")),  # not UTF-8
        (None, encode("", document_id=document_id, attributes={})),  # empty text
        (None, b'{"id":"%b"}' % name),  # no text
        (name, None),  # a tombstone; Kafka wants a key with it
        (None, b'["%b"]' % name),  # not an object
    )
    key, value = ways[number % len(ways)]
    return Message(key, value, origin=document_id)
