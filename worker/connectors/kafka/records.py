"""From a message of the client library to a record."""

from typing import Any

from textsieve.worker.records import Record


def record_of(message: Any) -> Record:
    """The record of one kafka.consumer.fetcher.ConsumerRecord; a header without a value gets an empty one."""
    return Record(
        message.topic,
        message.partition,
        message.offset,
        message.key,
        message.value,
        message.timestamp,
        tuple([(name, value or b"") for name, value in message.headers]) if message.headers else (),
        "LogAppendTime" if message.timestamp_type == 1 else "CreateTime",
    )
