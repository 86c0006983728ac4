"""The worker's side of Kafka: a source, two sinks and the ledger between them."""

from textsieve.worker.connectors.kafka.consumer.source import KafkaSource
from textsieve.worker.connectors.kafka.producer.sending import ProducerFactory, Stamp
from textsieve.worker.connectors.kafka.producer.sink import KafkaSink
from textsieve.worker.connectors.kafka.producer.transactions import TransactionalSink
from textsieve.worker.connectors.kafka.topics.preparation import Topics, prepare_topics
from textsieve.worker.connectors.kafka.topics.timestamps import Timestamps

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
