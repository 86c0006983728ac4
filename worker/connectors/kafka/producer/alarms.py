"""Alarms on their way to their topic."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import msgspec
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError, TopicAlreadyExistsError

from textsieve.kafka_client.durability import durable_shape
from textsieve.worker.connectors.kafka.client.options import (
    REQUEST_TIMEOUT_MS,
    connecting,
    connection_options,
    translated,
)
from textsieve.worker.connectors.kafka.producer.sending import ProducerFactory
from textsieve.worker.connectors.kafka.topics.description import Cluster, describe
from textsieve.worker.errors import PublishFailed
from textsieve.worker.settings import KafkaSettings


class _Named(msgspec.Struct):
    id: str


def alarm_key(alarm: bytes) -> bytes | None:
    """The key of an alarm's record, its id; None: it is damaged, and would stand in the way of all others."""
    try:
        return msgspec.json.decode(alarm, type=_Named).id.encode()
    except msgspec.MsgspecError:
        return None


def create_missing(admin: Any, topic: str) -> None:
    """Make the topic of alarms where it is known not to be there: one that is there asks for no right to create.

    Raises:
        KafkaError: the broker does not answer, or refuses.
    """
    cluster = describe(admin, [topic])
    if topic in cluster.missing:
        with suppress(TopicAlreadyExistsError):  # another worker was faster
            admin.create_topics({topic: {"num_partitions": 1, **durable_shape(cluster.brokers)}})


def missing_for_alarms(cluster: Cluster, topic: str, *, create_topic: bool) -> str | None:
    """What would keep alarms from their topic, as far as the broker says; None: nothing."""
    expected = f"kafka.alarm_topic {topic}: expected a topic to write alarms to, "
    if topic in cluster.unauthorized:
        return f"{expected}the broker does not let the worker see it; grant Write"
    if topic in cluster.missing:
        return None if create_topic else f"{expected}it is not there and delivery.create_topics is false; create it"
    operations = cluster.topics[topic].operations
    if operations is not None and "WRITE" not in operations:
        return f"{expected}the broker does not grant Write to the worker; grant it"
    return None


def check_alarm_topic(kafka: KafkaSettings, *, create_topic: bool) -> str | None:
    """See `missing_for_alarms`; asks the broker.

    Raises:
        BrokerUnavailable: it does not answer.
    """
    with connecting(f"asking {', '.join(kafka.bootstrap_servers)} for topics"):
        admin = KafkaAdminClient(**connection_options(kafka), request_timeout_ms=REQUEST_TIMEOUT_MS)
    try:
        with translated("asking for topics"):
            cluster = describe(admin, [kafka.alarm_topic])
    finally:
        admin.close()
    return missing_for_alarms(cluster, kafka.alarm_topic, create_topic=create_topic)


class AlarmPublisher:
    """Sends alarms with their id as the key, to a topic of one partition that it makes where it may.

    Args:
        producers: how producers are opened.
        create_topic: whether it may make the topic.
    """

    def __init__(self, producers: ProducerFactory, *, create_topic: bool) -> None:
        self._producers, self._topic = producers, producers.kafka.alarm_topic
        self._create_topic = create_topic
        self._producer: Any = None

    def publish(self, alarms: Sequence[bytes]) -> None:
        """Send them in their order, and return when the broker has them; one that cannot be read is left out.

        Raises:
            PublishFailed: it is not known which it has.
        """
        try:
            if self._producer is None:
                self._open()
            sent = [
                self._producer.send(self._topic, value=alarm, key=key)
                for alarm in alarms
                if (key := alarm_key(alarm)) is not None
            ]
            for future in sent:
                future.get(timeout=self._producers.publish_seconds)
        except KafkaError as error:
            self.close()
            raise PublishFailed(
                f"kafka.alarm_topic {self._topic}: expected alarms to be taken, got {type(error).__name__}; create the"
                " topic, or give the worker the right to write to it"
            ) from error

    def close(self) -> None:
        """Let the producer go."""
        producer, self._producer = self._producer, None
        if producer is not None:
            producer.close(timeout=1)

    def _open(self) -> None:
        if self._create_topic:
            admin = KafkaAdminClient(**connection_options(self._producers.kafka), request_timeout_ms=REQUEST_TIMEOUT_MS)
            try:
                create_missing(admin, self._topic)
            finally:
                admin.close()
        self._producer = self._producers.open()
