"""Output topics that are missing, made so that they keep what they are given."""

from contextlib import suppress
from typing import Any

from kafka.errors import (
    AuthorizationError,
    InvalidConfigurationError,
    PolicyViolationError,
    TopicAlreadyExistsError,
)

from textsieve.kafka_client.durability import REPLICAS, durable_configs, replicas_on
from textsieve.worker.connectors.kafka.topics import admin_commands as commands
from textsieve.worker.connectors.kafka.topics.description import Cluster
from textsieve.worker.errors import ConfigurationError
from textsieve.worker.settings import DeliverySettings, KafkaSettings, OutputSettings

ROOM_FOR_OVERHEAD = 65_536  # bytes a created topic allows beyond the largest message: keys, headers, batch framing


def replicas_of(cluster: Cluster, kafka: KafkaSettings) -> int:
    """As many as the input has, and at least three, if there are brokers enough."""
    inputs = [cluster.topics[name].replicas for name in kafka.input_topics]
    return replicas_on(cluster.brokers, at_least=max(REPLICAS, *inputs))


def configs_of(output: OutputSettings, *, replicas: int) -> dict[str, str]:
    """Options of a new output topic."""
    return {
        "max.message.bytes": str(output.max_message_bytes + ROOM_FOR_OVERHEAD),
        "cleanup.policy": "delete",
        **durable_configs(replicas),
        "message.timestamp.type": "LogAppendTime" if output.timestamp == "now" else "CreateTime",
    }


def create_outputs(
    admin: Any,
    cluster: Cluster,
    kafka: KafkaSettings,
    output: OutputSettings,
    delivery: DeliverySettings,
    *,
    partitions: int,
) -> None:
    """Create the output topics that are not there.

    Raises:
        ConfigurationError: they are missing, and may not be created.
        KafkaError: the broker does not answer, or refuses.
    """
    replicas = replicas_of(cluster, kafka)
    missing = [name for name in (kafka.output_topic, kafka.dead_letter_topic) if name in cluster.missing]
    for name in missing:
        advice = commands.create_topic(kafka.bootstrap_servers[0], name, partitions=partitions, brokers=replicas)
        absence = f"kafka: expected topic {name}, it is not there"
        if not delivery.create_topics:
            raise ConfigurationError(f"{absence} and delivery.create_topics is false. Create it:\n{advice}")
        shape = {"num_partitions": partitions, "replication_factor": replicas}
        try:
            _create(admin, name, shape, configs_of(output, replicas=replicas))
        except AuthorizationError as error:
            raise ConfigurationError(
                f"{absence} and the broker does not grant the right to create it. Create it:\n{advice}"
            ) from error


def _create(admin: Any, name: str, shape: dict[str, int], configs: dict[str, str]) -> None:
    with suppress(TopicAlreadyExistsError):  # another worker was faster
        try:
            admin.create_topics({name: {**shape, "configs": configs}})
        except (InvalidConfigurationError, PolicyViolationError):  # some services let nobody choose all of these
            needed = {"max.message.bytes": configs["max.message.bytes"]}
            admin.create_topics({name: {**shape, "configs": needed}})  # what is wrong with it the rules will say
    admin.wait_for_topics([name])
