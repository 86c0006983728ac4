"""The topics a worker needs: found, created where missing, refused where they cannot keep the promise."""

import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kafka.admin import KafkaAdminClient

from textsieve.worker.connectors.kafka.client.options import (
    REQUEST_TIMEOUT_MS,
    connecting,
    connection_options,
    translated,
)
from textsieve.worker.connectors.kafka.topics import requirements
from textsieve.worker.connectors.kafka.topics.creation import create_outputs
from textsieve.worker.connectors.kafka.topics.description import INTERNAL_TOPICS, Cluster, describe
from textsieve.worker.connectors.kafka.topics.permissions import require_group, require_transactions
from textsieve.worker.connectors.kafka.topics.risks import Finding, findings
from textsieve.worker.connectors.kafka.topics.timestamps import Bounds, bounds_of
from textsieve.worker.errors import BrokerUnavailable
from textsieve.worker.settings import DeliverySettings, KafkaSettings, OutputSettings, is_transactional

KNOWN_SECONDS = 15.0  # for what was created to be known to the broker that is asked
KNOWN_LOOK_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Topics:
    """What was found about the topics at start.

    Attributes:
        partitions: how many partitions of the input a worker may read: as many as the output has.
        ids: topic name to Kafka's UUID, "" where the broker has none.
        findings: what endangers the promise, and was not accepted.
        bounds: output and dead-letter topic to the timestamps that they take.
    """

    partitions: int
    ids: Mapping[str, str]
    findings: Sequence[Finding] = ()
    bounds: Mapping[str, Bounds] = field(default_factory=dict)


def prepare_topics(kafka: KafkaSettings, output: OutputSettings, delivery: DeliverySettings) -> Topics:
    """Check the input topics, create missing output topics, refuse what cannot keep the promise.

    Raises:
        ConfigurationError: a topic is missing, compacted or has the wrong number of partitions, or a right is missing;
            says the command.
        BrokerUnavailable: the broker does not answer.
    """
    requirements.require_different(kafka)
    with connecting(f"asking {', '.join(kafka.bootstrap_servers)} for topics"):
        admin = KafkaAdminClient(**connection_options(kafka), request_timeout_ms=REQUEST_TIMEOUT_MS)
    outputs = (kafka.output_topic, kafka.dead_letter_topic)
    wanted = (*kafka.input_topics, *outputs, *(INTERNAL_TOPICS if kafka.preset == "kafka" else ()))
    try:
        with translated("asking for topics"):
            if kafka.preset == "kafka":  # the stand-in knows no rights
                require_group(admin, kafka)
            if is_transactional(kafka, delivery):
                require_transactions(admin, kafka)
            cluster = describe(admin, wanted)
            requirements.require_inputs(cluster, kafka)
            requirements.require_seen(cluster, kafka, outputs)
            requirements.require_rights(cluster, kafka)
            widest = max(cluster.topics[name].partitions for name in kafka.input_topics)
            if not all(name in cluster.topics for name in outputs):
                create_outputs(admin, cluster, kafka, output, delivery, partitions=widest)
                cluster = _described_with(admin, wanted, outputs)
    finally:
        admin.close()
    requirements.require_outputs(cluster, kafka, partitions=widest, max_message_bytes=output.max_message_bytes)
    return _found(cluster, kafka, partitions=widest)


def _found(cluster: Cluster, kafka: KafkaSettings, *, partitions: int) -> Topics:
    ids = {name: topic.id for name, topic in cluster.topics.items() if name not in INTERNAL_TOPICS}
    if kafka.preset == "embedded":  # one broker, and it says little of what it does
        return Topics(partitions, ids)
    outputs = (kafka.output_topic, kafka.dead_letter_topic)
    return Topics(
        partitions, ids, findings(cluster, kafka), {name: bounds_of(cluster.topics[name]) for name in outputs}
    )


def _described_with(admin: Any, wanted: Iterable[str], created: Collection[str]) -> Cluster:
    """What the brokers say once each topic that was created is known to the one that is asked.

    Raises:
        BrokerUnavailable: it is not in time.
    """
    deadline = time.monotonic() + KNOWN_SECONDS
    while not all(name in (cluster := describe(admin, wanted)).topics for name in created):
        if time.monotonic() > deadline:
            raise BrokerUnavailable(f"expected {', '.join(created)}, which were created, to be known to every broker")
        time.sleep(KNOWN_LOOK_SECONDS)
    return cluster
