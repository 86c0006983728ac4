"""Results and dead letters as an outside reader understands them, from docs/messages.md alone."""

from dataclasses import dataclass
from typing import NamedTuple

import msgspec

from textsieve.worker.records import Record


class Source(NamedTuple):
    """The input message that a result or a dead letter answers."""

    topic: str
    partition: int
    offset: int


class Cluster(msgspec.Struct, frozen=True):
    """The nearest centroid when the text was labelled."""

    id: int
    distance: float  # Euclidean, 0..2


class Model(msgspec.Struct, frozen=True):
    """Which model labelled a text."""

    name: str = ""
    version: str = ""


class _Source(msgspec.Struct):
    timestamp_ms: int


class _Value(msgspec.Struct):
    label: str
    source: _Source
    processed_ms: int
    score: float = 0.0
    normalized: tuple[str, ...] = ()
    text: str | None = None
    cluster: Cluster | None = None
    model: Model = Model()
    attributes: dict[str, msgspec.Raw] = {}


@dataclass(frozen=True, slots=True)
class Labelled:
    """What a reader of the output topic learns from one result."""

    source: Source | None  # None if no header says it
    worker: str
    label: str
    text: str
    cluster: Cluster | None
    model: Model
    sent_ms: int  # Unix time of the input message
    processed_ms: int  # Unix time of the answer
    attributes: dict[str, msgspec.Raw]
    score: float = 0.0  # of the label
    normalized: tuple[str, ...] = ()  # the rules by which the spelling was disguised

    @property
    def latency_seconds(self) -> float:
        """From the input message's timestamp to its answer; includes the time it waited in the topic."""
        return (self.processed_ms - self.sent_ms) / 1000


_decode = msgspec.json.Decoder(_Value).decode
_decode_any = msgspec.json.Decoder().decode


def labelled(record: Record) -> Labelled:
    """Understand one record of the output topic.

    Raises:
        msgspec.ValidationError: It is not what docs/messages.md promises.
    """
    value = _decode(record.value or b"")
    return Labelled(
        source=source_of(record),
        worker=header(record, "textsieve.worker") or "?",
        label=value.label,
        text=value.text or "",
        cluster=value.cluster,
        model=value.model,
        sent_ms=value.source.timestamp_ms,
        processed_ms=value.processed_ms,
        attributes=value.attributes,
        score=value.score,
        normalized=value.normalized,
    )


def source_of(record: Record) -> Source | None:
    """The input message that this result or dead letter answers; None if it does not say.

    Example:
        >>> source_of(Record("labels", 3, 0, None, b"{}", 0, (("textsieve.source", b"messages/3/1042"),)))
        Source(topic='messages', partition=3, offset=1042)
    """
    words = (header(record, "textsieve.source") or "").rsplit("/", 2)
    try:
        topic, partition, offset = words
        return Source(topic, int(partition), int(offset))
    except ValueError:
        return None


def header(record: Record, name: str) -> str | None:
    """The last value of a header, as text."""
    values = [value for key, value in record.headers if key == name]
    return values[-1].decode("utf-8", "replace") if values else None


def attribute(result: Labelled, name: str) -> object:
    """A field of the input message that was passed on; None if it had none of this name."""
    raw = result.attributes.get(name)
    return None if raw is None else _decode_any(raw)
