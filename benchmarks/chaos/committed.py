"""Reads what a group has committed: the messages below are done with, those above still have somebody to come."""

from collections.abc import Mapping
from contextlib import closing

from kafka import KafkaConsumer, TopicPartition

from textsieve.embedded.topics import Names

CONNECT_SECONDS = 8.0  # as a reader of topics


def committed_offsets(bootstrap_servers: str, names: Names, partitions: int) -> Mapping[int, int]:
    """Next offset of each partition of the input, by what the group has committed; 0 where it has nothing.

    Raises:
        kafka.errors.KafkaError: the broker does not answer.
    """
    consumer = KafkaConsumer(
        bootstrap_servers=bootstrap_servers.split(","),
        bootstrap_timeout_ms=int(CONNECT_SECONDS * 1000),
        group_id=names.group,
        enable_auto_commit=False,
        isolation_level="read_committed",  # what stands in a transaction under way is awaited
    )
    with closing(consumer):
        return {number: consumer.committed(TopicPartition(names.messages, number)) or 0 for number in range(partitions)}
