"""What the rivals that use kafka-python have in common: how they read, and how they commit what they answered."""

from collections.abc import Mapping, Sequence
from typing import Any

from kafka import KafkaConsumer, OffsetAndMetadata, TopicPartition

from benchmarks.speed.rivals.options import RivalOptions


def consumer(told: RivalOptions, *, poll: int) -> KafkaConsumer:
    """A consumer that commits when it is told to, and takes at most `poll` messages at once."""
    return KafkaConsumer(
        told.input,
        bootstrap_servers=told.bootstrap,
        group_id=told.group,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        max_poll_records=poll,
        session_timeout_ms=6_000,
        heartbeat_interval_ms=1_500,
    )


def commit(reader: KafkaConsumer, batches: Mapping[TopicPartition, Sequence[Any]]) -> None:
    """Commit the end of what was polled."""
    reader.commit(
        {
            TopicPartition(*partition): OffsetAndMetadata(batch[-1].offset + 1, "", -1)
            for partition, batch in batches.items()
        }
    )
