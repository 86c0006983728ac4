"""The topics a worker needs: found, compared, created where missing, refused where they cannot work."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from kafka.admin import ConfigResource, KafkaAdminClient, NewTopic
from kafka.errors import KafkaError, TopicAlreadyExistsError

from worker.connectors.kafka.clients import connecting, connection_options, translated
from worker.errors import ConfigurationError
from worker.settings import DeliverySettings, KafkaSettings, OutputSettings

ROOM_FOR_OVERHEAD = 65_536  # bytes a created topic allows beyond the largest message: keys, headers, batch framing


@dataclass(frozen=True, slots=True)
class Topics:
    """What was found about the topics at start.

    Attributes:
        partitions: how many partitions of the input a worker may read: as many as the output has.
        ids: topic name to Kafka's UUID, "" where the broker has none.
    """

    partitions: int
    ids: Mapping[str, str]


def prepare_topics(kafka: KafkaSettings, output: OutputSettings, delivery: DeliverySettings) -> Topics:
    """Check the input topics, create missing output topics, refuse what cannot keep the promise.

    Raises:
        ConfigurationError: a topic is missing, compacted or has the wrong number of partitions; says the command.
        BrokerUnavailable: the broker does not answer.
    """
    with connecting(f"asking {', '.join(kafka.bootstrap_servers)} for topics"):
        admin = KafkaAdminClient(**connection_options(kafka))
    try:
        with translated("asking for topics"):
            return _prepare(admin, kafka, output, delivery)
    finally:
        admin.close()


def _prepare(admin: Any, kafka: KafkaSettings, output: OutputSettings, delivery: DeliverySettings) -> Topics:
    outputs = (kafka.output_topic, kafka.dead_letter_topic)
    if len({*kafka.input_topics, *outputs}) != len(kafka.input_topics) + len(outputs):
        raise ConfigurationError(
            "kafka.input_topics, output_topic, dead_letter_topic: expected different topics, came the same twice"
        )
    found = _describe(admin, [*kafka.input_topics, *outputs])
    missing = [topic for topic in kafka.input_topics if topic not in found]
    if missing:
        raise ConfigurationError(
            f"kafka.input_topics: expected existing topics, {', '.join(missing)} is not there. Create it:\n"
            f"  kafka-topics.sh --bootstrap-server {kafka.bootstrap_servers[0]} --create --partitions 6"
            f" --topic {missing[0]}"
        )
    widest = max(len(found[topic]["partitions"]) for topic in kafka.input_topics)
    replicas = len(found[kafka.input_topics[0]]["partitions"][0]["replica_nodes"])
    for topic in outputs:
        if topic not in found:
            _create(admin, topic, kafka, output, delivery, partitions=widest, replicas=replicas)
    found = _describe(admin, [*kafka.input_topics, *outputs])
    for topic in outputs:
        _check_partitions(kafka, topic, came=len(found[topic]["partitions"]), expected=widest)
    _refuse_configs(admin, outputs, max_message_bytes=output.max_message_bytes)
    return Topics(widest, {topic: str(entry["topic_id"] or "") for topic, entry in found.items()})


def _describe(admin: Any, names: list[str]) -> dict[str, Any]:
    return {entry["name"]: entry for entry in admin.describe_topics(names) if entry["error_code"] == 0}


def _create(
    admin: Any,
    topic: str,
    kafka: KafkaSettings,
    output: OutputSettings,
    delivery: DeliverySettings,
    *,
    partitions: int,
    replicas: int,
) -> None:
    if not delivery.create_topics:
        raise ConfigurationError(
            f"kafka: expected topic {topic}, it is not there and delivery.create_topics is false. Create it:\n"
            f"  kafka-topics.sh --bootstrap-server {kafka.bootstrap_servers[0]} --create --topic {topic}"
            f" --partitions {partitions}"
        )
    room = output.max_message_bytes + ROOM_FOR_OVERHEAD
    new = NewTopic(
        topic, num_partitions=partitions, replication_factor=replicas, topic_configs={"max.message.bytes": str(room)}
    )
    with suppress(TopicAlreadyExistsError):  # another worker was faster
        admin.create_topics([new])
    admin.wait_for_topics([topic])


def _check_partitions(kafka: KafkaSettings, topic: str, *, came: int, expected: int) -> None:
    if came == expected:
        return
    server = kafka.bootstrap_servers[0]
    if came < expected:
        advice = f"  kafka-topics.sh --bootstrap-server {server} --alter --topic {topic} --partitions {expected}"
    else:
        advice = "\n".join(
            f"  kafka-topics.sh --bootstrap-server {server} --alter --topic {name} --partitions {came}"
            for name in kafka.input_topics
        )
    raise ConfigurationError(
        f"topic {topic}: expected {expected} partitions like the widest input topic, came {came}. A result goes to the"
        f" partition of its input; make them equal, then start again:\n{advice}"
    )


def _refuse_configs(admin: Any, topics: tuple[str, str], *, max_message_bytes: int) -> None:
    """Refuse topics that forget answers, or that would refuse some of them."""
    try:
        described = admin.describe_configs([ConfigResource("TOPIC", topic) for topic in topics], config_filter="all")
    except KafkaError:
        return  # no permission to look: the check is a courtesy
    for topic in topics:
        configs = described.get("topic", {}).get(topic, {})
        policy = configs.get("cleanup.policy", {}).get("value") or ""
        if "compact" in policy:  # the log serves as the ledger of what was published
            raise ConfigurationError(
                f"topic {topic}: expected cleanup.policy=delete, came {policy}. Compaction drops answers that the"
                " worker reads back to know what it has published; choose another topic"
            )
        limit = configs.get("max.message.bytes", {}).get("value") or ""
        if limit.isdecimal() and int(limit) < max_message_bytes:  # an answer in between would be tried for ever
            raise ConfigurationError(
                f"topic {topic}: expected max.message.bytes of at least {max_message_bytes}, came {limit}. Give the"
                f" topic room, or set output.max_message_bytes to {limit} or less"
            )
