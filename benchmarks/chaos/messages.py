"""The messages of a run, and what each of them must come to, told from its bytes alone."""

import json
from dataclasses import dataclass
from enum import Enum
from random import Random

from benchmarks.chaos.fault_points import BULKY, FAILS

KEYS = 64  # of one stream; a key always goes to the same partition
POISON_SHARE = 0.01  # of the ordinary stream: not JSON
FAILING_SHARE = 0.005  # of the ordinary stream: the model breaks on it
TOPICS = ("delivery", "refund", "lottery", "meeting", "weather", "password")


class MessageKind(Enum):
    """Kinds of messages."""

    PLAIN = "plain"
    POISON = "poison"
    FAILING = "failing"
    BULKY = "bulky"


@dataclass(frozen=True, slots=True)
class Message:
    """One message to send."""

    key: bytes
    value: bytes
    partition: int


def ordinary_kind(rng: Random) -> MessageKind:
    """What the next message of the ordinary stream is."""
    drawn = rng.random()
    if drawn < POISON_SHARE:
        return MessageKind.POISON
    return MessageKind.FAILING if drawn < POISON_SHARE + FAILING_SHARE else MessageKind.PLAIN


def message(number: int, kind: MessageKind, *, partitions: int, rng: Random) -> Message:
    """The message with this number; ids are unique in a stream."""
    key = rng.randrange(KEYS)
    subject = TOPICS[key % len(TOPICS)]
    words = {MessageKind.FAILING: FAILS, MessageKind.BULKY: BULKY}.get(kind, "")
    text = f"{subject} {subject} number{rng.randrange(50)} m{number} {words}".strip()
    value = json.dumps({"id": f"m-{number}", "text": text}).encode()
    if kind is MessageKind.POISON:
        value = b"\xff" + value
    return Message(f"k{key}".encode(), value, key % partitions)


def id_of(value: bytes | None) -> str | None:
    """The id of a message that can be read, else None: such a message belongs to the dead letters."""
    try:
        decoded = json.loads(value or b"")
    except ValueError:
        return None
    return None if FAILS in decoded["text"] else str(decoded["id"])
