"""What a broker says about topics, as plain data."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kafka.admin import ConfigResource
from kafka.errors import (
    KafkaError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
    for_code,
)

from textsieve.kafka_client.retries import with_retries

RETRY_SECONDS = 15.0  # patience with brokers that do not answer: one of them hangs, another is asked
CONSUMER_OFFSETS = "__consumer_offsets"  # of groups
INTERNAL_TOPICS = (CONSUMER_OFFSETS, "__transaction_state")  # where the group's positions and transactions stand
OFFSETS_RETENTION = "offsets.retention.minutes"

_ABSENT, _HIDDEN = UnknownTopicOrPartitionError.errno, TopicAuthorizationFailedError.errno


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic that is there.

    Attributes:
        id: Kafka's UUID, "" where the broker has none.
        replicas: of the partition that has the fewest.
        configs: option to value; empty where the broker does not say.
        operations: those that we are allowed, as Kafka names them (`READ`); None where the broker does not say.
    """

    name: str
    id: str
    partitions: int
    replicas: int
    configs: Mapping[str, str] = field(default_factory=dict)
    operations: frozenset[str] | None = None

    def number(self, config: str) -> int | None:
        """A config that is a number; None where it is unknown."""
        value = self.configs.get(config, "")
        return int(value) if value.removeprefix("-").isdecimal() else None


@dataclass(frozen=True, slots=True)
class Cluster:
    """What was asked for, as far as it is there.

    Attributes:
        brokers: how many answer.
        topics: those that are there, by name.
        unauthorized: those that we may not see: they may be there or not.
        missing: those that are not there, with our rights to them, as in Topic.
        offsets_retention_minutes: how long an empty group's positions are kept; None where the broker does not say.
    """

    brokers: int
    topics: Mapping[str, Topic]
    unauthorized: frozenset[str] = frozenset()
    missing: Mapping[str, frozenset[str] | None] = field(default_factory=dict)
    offsets_retention_minutes: int | None = None


def describe(admin: Any, names: Iterable[str]) -> Cluster:
    """Ask for these topics.

    Args:
        admin: kafka-python's admin client.
        names: of topics that may be there or not; with CONSUMER_OFFSETS, how long those are kept is asked too. (The
            embedded broker hangs up on that question, which kafka-python reports as an error.)

    Raises:
        KafkaError: no broker answered, or it refused.
    """
    wanted = list(names)
    brokers = [broker["broker_id"] for broker in with_retries(admin.describe_cluster, seconds=RETRY_SECONDS)["brokers"]]
    entries = with_retries(lambda: _entries(admin, wanted), seconds=RETRY_SECONDS)
    codes = {name: entry["error_code"] for name, entry in entries.items()}
    found = [name for name in wanted if codes.get(name) == 0]
    configs = _configs(admin, found)
    return Cluster(
        brokers=len(brokers),
        topics={name: _topic(entries[name], configs.get(name, {})) for name in found},
        unauthorized=frozenset(name for name, code in codes.items() if code == _HIDDEN),
        missing={name: _operations(entries[name]) for name, code in codes.items() if code == _ABSENT},
        offsets_retention_minutes=_offsets_retention(admin, brokers) if CONSUMER_OFFSETS in wanted else None,
    )


def _entries(admin: Any, names: list[str]) -> dict[str, Any]:
    entries = {entry["name"]: entry for entry in admin.describe_topics(names)}
    for name, entry in entries.items():
        if entry["error_code"] not in {0, _ABSENT, _HIDDEN}:
            raise for_code(entry["error_code"])(name)
    return entries


def _topic(entry: Mapping[str, Any], configs: Mapping[str, str]) -> Topic:
    return Topic(
        name=entry["name"],
        id=str(entry["topic_id"] or ""),
        partitions=len(entry["partitions"]),
        replicas=min((len(partition["replica_nodes"]) for partition in entry["partitions"]), default=0),
        configs=configs,
        operations=_operations(entry),
    )


def _operations(entry: Mapping[str, Any]) -> frozenset[str] | None:
    operations = entry.get("authorized_operations")
    return frozenset(operations) if operations else None  # brokers before 2.3, and some others, say nothing


def _configs(admin: Any, names: list[str]) -> dict[str, dict[str, str]]:
    """Topic to option to value; what we may not see is left out."""
    if not names:
        return {}
    try:
        resources = [ConfigResource("TOPIC", name) for name in names]
        described = with_retries(lambda: admin.describe_configs(resources, config_filter="all"), seconds=RETRY_SECONDS)
    except KafkaError:
        return {}
    topics = described.get("topic", {})
    return {
        name: {option: found["value"] for option, found in options.items() if found["value"] is not None}
        for name, options in topics.items()
    }


def _offsets_retention(admin: Any, brokers: list[int]) -> int | None:
    if not brokers:
        return None
    resource = ConfigResource("BROKER", str(brokers[0]), {OFFSETS_RETENTION: None})
    try:
        described = admin.describe_configs([resource], config_filter="all")
    except KafkaError:  # a courtesy: not worth a second try, and often not allowed
        return None
    value = described.get("broker", {}).get(str(brokers[0]), {}).get(OFFSETS_RETENTION, {}).get("value") or ""
    return int(value) if value.isdecimal() else None
