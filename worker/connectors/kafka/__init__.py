"""The worker's side of Kafka: a source, two sinks and the ledger between them."""

from worker.connectors.kafka.producers import ProducerFactory, Stamp
from worker.connectors.kafka.sink import KafkaSink
from worker.connectors.kafka.source import KafkaSource
from worker.connectors.kafka.timestamps import Timestamps
from worker.connectors.kafka.topics import Topics, prepare_topics
from worker.connectors.kafka.transactions import TransactionalSink

__all__ = [
    "KafkaSink",
    "KafkaSource",
    "ProducerFactory",
    "Stamp",
    "Timestamps",
    "Topics",
    "TransactionalSink",
    "prepare_topics",
]
