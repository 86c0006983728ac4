"""What about topics cannot work: refused with the command that cures it."""

from collections.abc import Iterable
from typing import NoReturn

from textsieve.worker.connectors.kafka.topics import admin_commands as commands
from textsieve.worker.connectors.kafka.topics.description import Cluster, Topic
from textsieve.worker.errors import ConfigurationError
from textsieve.worker.settings import KafkaSettings


def require_different(kafka: KafkaSettings) -> None:
    """Refuse a topic that is to be two things.

    Raises:
        ConfigurationError: names them.
    """
    topics = (*kafka.input_topics, kafka.output_topic, kafka.dead_letter_topic)
    if len(set(topics)) != len(topics):
        raise ConfigurationError(
            "kafka.input_topics, output_topic, dead_letter_topic: expected different topics, got the same twice"
        )


def require_inputs(cluster: Cluster, kafka: KafkaSettings) -> None:
    """Refuse inputs that are not there, or that we may not see.

    Raises:
        ConfigurationError: tells the one from the other.
    """
    require_seen(cluster, kafka, kafka.input_topics)
    missing = [name for name in kafka.input_topics if name not in cluster.topics]
    if missing:
        raise ConfigurationError(
            f"kafka.input_topics: expected existing topics, {', '.join(missing)} is not there. Create it"
            " (`textsieve produce` does so when it sends):\n"
            + commands.create_topic(kafka.bootstrap_servers[0], missing[0], partitions=6, brokers=cluster.brokers)
        )


def require_seen(cluster: Cluster, kafka: KafkaSettings, names: tuple[str, ...]) -> None:
    """Refuse topics that may be there or not: a broker says so little to whom it does not grant Describe.

    Raises:
        ConfigurationError: names the right.
    """
    for name in names:
        if name in cluster.unauthorized:
            _refuse_right(kafka, name, "Describe", cure=_needed(kafka)[name])  # which brings Describe along


def require_rights(cluster: Cluster, kafka: KafkaSettings) -> None:
    """Refuse to start without a right that is needed later, where the broker says which we have.

    Raises:
        ConfigurationError: names the right and the topic.
    """
    for name, operations in _needed(kafka).items():
        rights = cluster.topics[name].operations if name in cluster.topics else cluster.missing.get(name)
        for operation in operations:
            if rights is not None and operation.upper() not in rights:
                _refuse_right(kafka, name, operation, cure=[operation])


def require_outputs(cluster: Cluster, kafka: KafkaSettings, *, partitions: int, max_message_bytes: int) -> None:
    """Refuse outputs that have no place for an answer, or that forget answers.

    Args:
        cluster: with both topics.
        kafka: names them.
        partitions: of the widest input.
        max_message_bytes: of the largest answer.

    Raises:
        ConfigurationError: says which topic, and what to change.
    """
    for name in (kafka.output_topic, kafka.dead_letter_topic):
        topic = cluster.topics[name]
        _require_partitions(kafka, topic, expected=partitions)
        _require_memory(kafka, topic)
        _require_room(topic, max_message_bytes=max_message_bytes)


def _require_partitions(kafka: KafkaSettings, topic: Topic, *, expected: int) -> None:
    got = topic.partitions
    if got == expected:
        return
    server = kafka.bootstrap_servers[0]
    if got < expected:
        advice = commands.add_partitions(server, [topic.name], partitions=expected)
    else:
        advice = commands.add_partitions(server, kafka.input_topics, partitions=got)
    raise ConfigurationError(
        f"topic {topic.name}: expected {expected} partitions like the widest input topic, got {got}. A result goes to"
        f" the partition of its input; make them equal, then start again:\n{advice}"
    )


def _require_memory(kafka: KafkaSettings, topic: Topic) -> None:
    policy = topic.configs.get("cleanup.policy", "")
    if "compact" in policy and "compaction" not in kafka.accept_risks:
        raise ConfigurationError(
            f"topic {topic.name}: expected cleanup.policy=delete, got {policy}. Compaction drops all answers to"
            " messages of a key but the latest, also those that the worker reads back to know what it has published;"
            " choose another topic, or accept that (kafka.accept_risks: compaction), or:\n"
            + commands.set_configs(kafka.bootstrap_servers[0], [topic.name], "cleanup.policy=delete")
        )


def _require_room(topic: Topic, *, max_message_bytes: int) -> None:
    limit = topic.number("max.message.bytes")
    if limit is not None and limit < max_message_bytes:  # an answer in between would be tried for ever
        raise ConfigurationError(
            f"topic {topic.name}: expected max.message.bytes of at least {max_message_bytes}, got {limit}. Give the"
            f" topic room, or set output.max_message_bytes to {limit} or less"
        )


def _needed(kafka: KafkaSettings) -> dict[str, tuple[str, ...]]:
    """Topic to the operations that a worker needs there."""
    outputs = (kafka.output_topic, kafka.dead_letter_topic)
    return {**dict.fromkeys(kafka.input_topics, ("Read",)), **dict.fromkeys(outputs, ("Write", "Read"))}


def _refuse_right(kafka: KafkaSettings, topic: str, operation: str, *, cure: Iterable[str]) -> NoReturn:
    unseen = " (it may be there or not: the broker does not say)" if operation == "Describe" else ""
    raise ConfigurationError(
        f"topic {topic}: expected the right to {operation}, the broker does not grant it to"
        f" {kafka.sasl_username or 'this worker'}{unseen}. Grant it, and take away a rule that denies it:\n"
        + "\n".join(
            commands.grant(kafka.bootstrap_servers[0], kafka.sasl_username, granted, f"--topic {topic}")
            for granted in cure
        )
    )
