"""Reads topics and store afresh, with no help from the workers, and asks the checker."""

from collections.abc import Iterable
from typing import cast

import msgspec
import numpy as np
import redis

from benchmarks.chaos.checker import InputMessage, OutputMessage, SourceOffset, StoreState, Verdict, check
from benchmarks.chaos.committed import committed_offsets
from benchmarks.chaos.messages import id_of
from textsieve.embedded.reading import read_topics
from textsieve.embedded.results import source_of
from textsieve.embedded.topics import Names
from textsieve.worker.records import Record

READ_SECONDS = 120.0


class _Result(msgspec.Struct):
    id: str
    document_id: str | None = None


def audit(bootstrap_servers: str, store: redis.Redis, names: Names, *, partitions: int) -> Verdict:
    """What became of one stream.

    Raises:
        DemoFailed: a topic could not be read to its end.
        kafka.errors.KafkaError: the broker does not tell what the group has committed.
        redis.RedisError: the store does not answer.
    """
    asked = {
        SourceOffset(record.partition, record.offset): InputMessage(record.key, id_of(record.value))
        for record in _read(bootstrap_servers, names.messages)
    }
    results = [_result(record, names.messages) for record in _read(bootstrap_servers, names.labels)]
    dead_letters = [
        OutputMessage(_place(record, names.messages), record.partition, record.key)
        for record in _read(bootstrap_servers, names.dead_letters)
    ]
    committed = committed_offsets(bootstrap_servers, names, partitions)
    return check(asked, results, dead_letters, _counted(store, names), committed=committed)


def _read(bootstrap_servers: str, topic: str) -> Iterable[Record]:
    return read_topics(bootstrap_servers, [topic], timeout_seconds=READ_SECONDS)


def _place(record: Record, topic: str) -> SourceOffset | None:
    source = source_of(record)
    return None if source is None or source.topic != topic else SourceOffset(source.partition, source.offset)


def _result(record: Record, topic: str) -> OutputMessage:
    value = msgspec.json.decode(record.value or b"{}", type=_Result)
    return OutputMessage(_place(record, topic), record.partition, record.key, value.document_id, value.id)


def _counted(store: redis.Redis, names: Names) -> StoreState:
    fields = cast("dict[bytes, bytes]", store.hgetall(f"textsieve:{{{names.space}}}:centroids"))
    marks = {
        int(name.rpartition(b":")[2]): int(value.partition(b"@")[0])
        for name, value in fields.items()
        if name.startswith(f"offset:{names.messages}:".encode())
    }
    weight = float(np.frombuffer(fields.get(b"counts", b""), "<f8").sum())
    return StoreState(int(fields.get(b"learned", 0)), weight, marks)
