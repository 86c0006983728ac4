"""Encode: the result on the wire, of the fields that the stages before have contributed."""

import base64
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from typing import Any, ClassVar, Final, Literal

import msgspec
import numpy as np

from textsieve.worker.batch import Batch, Column
from textsieve.worker.columns import EMBEDDING, RESULT
from textsieve.worker.headers import SOURCE_HEADER, foreign_headers, message_bytes, source_id
from textsieve.worker.records import DeadLetter, Embeddings, Outgoing, Record
from textsieve.worker.stages.stage import Stage

ORDER: Final = (  # of the fields; those that are not here follow in the order of their stages
    "id", "document_id", "text", "label", "score", "scores", "labels", "cluster", "model", "embedding", "attributes",
    "source", "processed_ms",
)  # fmt: skip
_encode = msgspec.json.Encoder().encode


class Model(msgspec.Struct, frozen=True, gc=False):
    """Which model spoke, as it stands on the wire."""

    name: str
    version: str


class Source(msgspec.Struct, gc=False):
    """Where the message came from, as it stands on the wire."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int


@dataclass(frozen=True, slots=True)
class Encode:
    """Makes results that fit their topic, and rejects those that do not.

    Attributes:
        contributed: the fields of all stages before, in their order.
        embedding: how the embedding is published, if it is.
        now_ms: the clock, Unix time in milliseconds.
    """

    contributed: Mapping[str, Column[Any]]
    model: Model
    now_ms: Callable[[], int]
    include_text: bool = True
    embedding: Literal["none", "base64", "list"] = "none"
    timestamp: Literal["input", "now"] = "input"
    max_message_bytes: int = 1_000_000
    gives: ClassVar[tuple[Column[Any], ...]] = (RESULT,)
    fields: ClassVar[Mapping[str, Column[Any]]] = {}
    _names: Sequence[str] = field(init=False)
    _result: Callable[..., msgspec.Struct] = field(init=False)

    def __post_init__(self) -> None:
        names = (*ORDER, *(name for name in self.contributed if name not in ORDER))
        object.__setattr__(self, "_names", names)
        object.__setattr__(self, "_result", msgspec.defstruct("Result", [(name, Any) for name in names], gc=False))

    @property
    def needs(self) -> tuple[Column[Any], ...]:
        """See Stage."""
        return (*self.contributed.values(), EMBEDDING)

    def run(self, batch: Batch) -> Batch:
        """See Stage."""
        now_ms = self.now_ms()
        records, ids = batch.records, [source_id(record) for record in batch.records]
        columns: dict[str, Iterable[object]] = {
            **{name: batch[column] for name, column in self.contributed.items()},
            "id": ids,
            "model": repeat(self.model),
            "embedding": repeat(None) if self.embedding == "none" else self._embeddings(batch[EMBEDDING]),
            "source": [Source(r.topic, r.partition, r.offset, r.timestamp_ms) for r in records],
            "processed_ms": repeat(now_ms),
        }
        if not self.include_text:
            columns["text"] = repeat(None)
        values = map(_encode, map(self._result, *(columns[name] for name in self._names)))
        encoded = [
            self._message(record, place, value, now_ms)
            for record, place, value in zip(records, ids, values, strict=True)
        ]
        results = [item for item in encoded if isinstance(item, Outgoing)]
        if len(results) < len(encoded):
            rows = [row for row, item in enumerate(encoded) if isinstance(item, Outgoing)]
            batch = batch.take(rows, rejected=(item for item in encoded if isinstance(item, DeadLetter)))
        return batch.with_columns(RESULT.of(results))

    def _message(self, record: Record, place: str, value: bytes, now_ms: int) -> Outgoing | DeadLetter:
        headers = [*foreign_headers(record.headers), (SOURCE_HEADER, place.encode())]
        size = message_bytes(record.key, value, headers)
        if size > self.max_message_bytes:
            detail = (
                f"expected a result of at most {self.max_message_bytes} bytes (output.max_message_bytes), got {size}"
            )
            return DeadLetter(record, "encode", "result_too_large", detail)
        timestamp_ms = now_ms if self.timestamp == "now" else record.timestamp_ms
        return Outgoing(record.source, record.offset, record.key, value, headers, timestamp_ms)

    def _embeddings(self, embeddings: Embeddings) -> list[str] | list[list[float]]:
        if self.embedding == "base64":
            return [base64.b64encode(row.tobytes()).decode("ascii") for row in embeddings.astype("<f2")]
        rounded: list[list[float]] = np.round(embeddings.astype(np.float64), 6).tolist()  # [rows, dim]
        return rounded


def contributed_fields(stages: Iterable[Stage]) -> Mapping[str, Column[Any]]:
    """The fields of all stages, in their order."""
    return {name: column for stage in stages for name, column in stage.fields.items()}
