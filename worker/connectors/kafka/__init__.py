"""The worker's side of Kafka: a source, two sinks and the ledger between them."""

from textsieve.worker.connectors.kafka.producers import ProducerFactory, Stamp
from textsieve.worker.connectors.kafka.sink import KafkaSink
from textsieve.worker.connectors.kafka.source import KafkaSource
from textsieve.worker.connectors.kafka.timestamps import Timestamps
from textsieve.worker.connectors.kafka.topics import Topics, prepare_topics
from textsieve.worker.connectors.kafka.transactions import TransactionalSink

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
