"""Makes sure that the topic is there."""

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from kafka.errors import KafkaError, TopicAlreadyExistsError, UnknownTopicOrPartitionError, for_code

from textsieve.kafka_client.durability import durable_configs, replicas_on
from textsieve.kafka_client.retries import with_retries
from textsieve.producer.errors import BrokerUnavailable, ConfigurationError

DEFAULT_PARTITIONS = 4  # room for four workers
DEFAULT_MAX_MESSAGE_BYTES = 1_000_000  # what the worker allows its results
ASK_SECONDS = 10.0  # patience with brokers that do not answer

_LEGAL_NAME = re.compile(r"[A-Za-z0-9._-]{1,249}")  # Kafka's own rule; the embedded broker takes anything


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """The topic to feed.

    `partitions` and `max_message_bytes` shape a topic that is missing; one that exists is left as it is.

    Raises:
        ConfigurationError: The name is not one Kafka allows.
    """

    name: str = "messages"
    partitions: int | None = None  # None: DEFAULT_PARTITIONS where the topic is missing, any count where it exists
    max_message_bytes: int = DEFAULT_MAX_MESSAGE_BYTES

    def __post_init__(self) -> None:
        if not _LEGAL_NAME.fullmatch(self.name) or self.name in {".", ".."}:
            raise ConfigurationError(
                f"--topic: expected 1 to 249 letters, digits, dots, dashes and underscores, got {self.name!r}"
            )


class Admin(Protocol):
    """The calls of kafka-python's admin client that are needed here."""

    def describe_cluster(self) -> dict[str, Any]:
        """The brokers, among other things."""

    def describe_topics(self, topics: list[str]) -> list[dict[str, Any]]:
        """Metadata of the topics, with an error code each."""

    def create_topics(self, new_topics: dict[str, Any], *, wait_for_metadata: bool) -> object:
        """Create topics."""


def ensure_topic(admin: Admin, spec: TopicSpec, *, warn: Callable[[str], object]) -> list[int]:
    """The partitions of the topic, which is created if it is missing.

    `warn` hears of a topic that has another number of partitions than was asked for.

    Raises:
        BrokerUnavailable: The broker refused to describe or to create the topic.
    """
    try:
        partitions = with_retries(lambda: _describe(admin, spec.name) or _create(admin, spec), seconds=ASK_SECONDS)
    except KafkaError as error:
        raise BrokerUnavailable(
            f"topic {spec.name}: the broker refused to describe or create it ({error}):"
            " create it beforehand, or allow this user to"
        ) from error
    if spec.partitions is not None and len(partitions) != spec.partitions:
        warn(
            f"topic {spec.name} exists with {len(partitions)} partitions, not the {spec.partitions} of --partitions:"
            " it is left as it is"
        )
    return partitions


def _describe(admin: Admin, topic: str) -> list[int]:
    [metadata] = admin.describe_topics([topic])
    error = for_code(metadata["error_code"])
    if error is UnknownTopicOrPartitionError:
        return []
    if metadata["error_code"] != 0:
        raise error(topic)
    return sorted(partition["partition_index"] for partition in metadata["partitions"])


def _create(admin: Admin, spec: TopicSpec) -> list[int]:
    replicas = replicas_on(len(admin.describe_cluster()["brokers"]))
    shape = {
        "num_partitions": spec.partitions or DEFAULT_PARTITIONS,
        "replication_factor": replicas,
        "configs": {**durable_configs(replicas), "max.message.bytes": str(spec.max_message_bytes)},
    }
    with suppress(TopicAlreadyExistsError):  # somebody was faster
        admin.create_topics({spec.name: shape}, wait_for_metadata=True)
    return _describe(admin, spec.name)
