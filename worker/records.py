"""The nouns that flow through a worker.

Those made for every message are msgspec structs, which cost a tenth of a frozen dataclass and nothing at garbage
collection (docs/decisions/0015-nouns-per-message-are-structs.md).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

Probabilities = NDArray[np.float32]  # [batch, labels], each in 0..1
Embeddings = NDArray[np.float32]  # [batch, dim], rows have length 1
LabelIds = NDArray[np.int64]  # [batch], places in the model's labels
ClusterIds = NDArray[np.int64]  # [batch], -1 where no centroids exist yet
Distances = NDArray[np.float32]  # [batch], Euclidean, 0..2

NO_CLUSTER = -1  # a cluster id before the space is seeded; becomes `"cluster": null` on the wire

Header = tuple[str, bytes]


class Partition(NamedTuple):
    """One partition of one topic."""

    topic: str
    partition: int


_known = lru_cache(maxsize=4096)(Partition)  # asked several times for every message: found faster than made


class Position(NamedTuple):
    """An offset in one life of a topic.

    `topic_id` is Kafka's UUID: a topic that was deleted and made anew has another one, and every ledger starts again.
    """

    offset: int
    topic_id: str


class Progress(NamedTuple):
    """Where a partition stands behind a batch."""

    offset: int  # the next one to be read
    pushed: int  # the first one that the store is not known to have all of: learned by the clusters, counted


class Record(msgspec.Struct, frozen=True, gc=False):
    """A message exactly as Kafka gave it."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    timestamp_ms: int
    headers: tuple[Header, ...] = ()
    timestamp_type: str = "CreateTime"  # or LogAppendTime, by the topic's message.timestamp.type

    @property
    def source(self) -> Partition:
        """The partition this record was read from."""
        return _known(self.topic, self.partition)


class NormalizedText(msgspec.Struct, frozen=True, gc=False):
    """A text as the model reads it."""

    text: str
    rules: tuple[str, ...] = ()  # by which its spelling was found to be disguised

    @property
    def obfuscated(self) -> bool:
        """Whether its spelling was disguised."""
        return bool(self.rules)


class Document(msgspec.Struct, frozen=True, gc=False):
    """A record that was decoded, validated and found within the size limits."""

    id: str | None
    text: str  # as it came
    attributes: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Predictions:
    """Both answers of one encoder pass; row i belongs to document i.

    `truncated` marks texts that go on behind all windows that were read; `token_counts` are the tokens that were.
    """

    probabilities: Probabilities
    embeddings: Embeddings
    token_counts: NDArray[np.int64]  # [batch]
    truncated: NDArray[np.bool_]  # [batch]

    @classmethod
    def joined(cls, parts: Sequence["Predictions"]) -> "Predictions":
        """The rows of all parts, at least one, in their order; a single part is returned as it is."""
        if len(parts) == 1:
            return parts[0]
        return cls(
            probabilities=np.concatenate([part.probabilities for part in parts]),
            embeddings=np.concatenate([part.embeddings for part in parts]),
            token_counts=np.concatenate([part.token_counts for part in parts]),
            truncated=np.concatenate([part.truncated for part in parts]),
        )


@dataclass(frozen=True, slots=True)
class Assignments:
    """The nearest shared centroid of every document."""

    cluster_ids: ClusterIds
    distances: Distances
    version: int  # of the snapshot they were computed with; 0 before seeding


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that cannot be labelled through a fault of its own."""

    record: Record
    stage: str  # one of STAGES
    reason: str  # one of REASONS
    detail: str  # short, never contains payload


class Skipped(msgspec.Struct, frozen=True, gc=False):
    """A message that gets no answer, as the settings have it: its offset goes by like that of any other."""

    record: Record


STAGES = ("decode", "inference", "encode")
REASONS = (
    "null_value",
    "too_large",
    "not_utf8",
    "schema_registry",
    "not_json",
    "lone_surrogate",
    "not_an_object",
    "no_text",
    "text_not_a_string",
    "empty_text",
    "id_not_a_string",
    "inference_failed",
    "result_too_large",
)


class Outgoing(msgspec.Struct, frozen=True, gc=False):
    """An encoded result or dead letter, ready to be sent."""

    source: Partition  # of the record it answers
    offset: int  # of the record it answers
    key: bytes | None
    value: bytes | None
    headers: list[Header]
    timestamp_ms: int


@dataclass(frozen=True, slots=True)
class Observations:
    """What the clusters learn from one batch; row i belongs to one result."""

    sources: Sequence[Partition]
    offsets: NDArray[np.int64]  # [rows]
    embeddings: Embeddings  # [rows, dim]
    cluster_ids: ClusterIds  # [rows]

    def where(self, keep: NDArray[np.bool_]) -> "Observations":
        """Some of the rows; `keep` has one entry for each."""
        if keep.all():
            return self
        sources = [source for source, kept in zip(self.sources, keep.tolist(), strict=True) if kept]
        return Observations(sources, self.offsets[keep], self.embeddings[keep], self.cluster_ids[keep])
