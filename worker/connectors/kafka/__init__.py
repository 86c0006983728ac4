"""The worker's side of Kafka: a source, a sink and the ledger between them."""

from worker.connectors.kafka.sink import KafkaSink
from worker.connectors.kafka.source import KafkaSource
from worker.connectors.kafka.topics import Topics, prepare_topics

__all__ = ["KafkaSink", "KafkaSource", "Topics", "prepare_topics"]
