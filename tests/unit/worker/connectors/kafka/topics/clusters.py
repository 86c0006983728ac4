"""Clusters and topics as a broker might describe them."""

from types import MappingProxyType
from typing import Any

from textsieve.worker.connectors.kafka.topics.description import Cluster, Topic
from textsieve.worker.settings import KafkaSettings

INPUT, OUTPUT, LETTERS = "messages", "labels", "dead-letters"
SOUND = MappingProxyType(
    {
        "cleanup.policy": "delete",
        "max.message.bytes": "2000000",
        "min.insync.replicas": "2",
        "retention.ms": "604800000",
        "retention.bytes": "-1",
        "unclean.leader.election.enable": "false",
        "message.timestamp.type": "CreateTime",
    }
)


def topic(
    name: str, *, partitions: int = 4, replicas: int = 3, operations: frozenset[str] | None = None, **configs: str
):
    """One topic, sound but for `configs`, in whose names an underscore stands for a dot."""
    changed = {option.replace("_", "."): value for option, value in configs.items()}
    return Topic(name, f"id-{name}", partitions, replicas, {**SOUND, **changed}, operations)


def cluster(*topics: Topic, brokers: int = 3, **more: Any) -> Cluster:
    """A cluster with all three topics; `topics` take the place of those of their name."""
    every = {name: topic(name) for name in (INPUT, OUTPUT, LETTERS)} | {found.name: found for found in topics}
    return Cluster(brokers, every, **more)


def settings(**more: Any) -> KafkaSettings:
    return KafkaSettings(bootstrap_servers=("kafka-1:9092",), **more)
