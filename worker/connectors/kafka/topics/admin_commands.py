"""Commands of Kafka's own tools that cure what was found."""

from collections.abc import Iterable

from textsieve.kafka_client.durability import REPLICAS, replicas_on


def create_topic(server: str, topic: str, *, partitions: int, brokers: int) -> str:
    """Make a topic, as durable as topics should be, or as so many brokers can."""
    replicas = replicas_on(brokers)
    insync = " --config min.insync.replicas=2" if replicas == REPLICAS else ""
    return (
        f"  kafka-topics.sh --bootstrap-server {server} --create --topic {topic} --partitions {partitions}"
        f" --replication-factor {replicas}{insync}"
    )


def add_partitions(server: str, topics: Iterable[str], *, partitions: int) -> str:
    """Give topics more partitions."""
    return "\n".join(
        f"  kafka-topics.sh --bootstrap-server {server} --alter --topic {topic} --partitions {partitions}"
        for topic in topics
    )


def set_configs(server: str, topics: Iterable[str], config: str) -> str:
    """Set a topic's option, `name=value`."""
    return "\n".join(
        f"  kafka-configs.sh --bootstrap-server {server} --alter --topic {topic} --add-config {config}"
        for topic in topics
    )


def reassign(server: str) -> str:
    """Give partitions more replicas; what the file holds does not fit a line."""
    return (
        f"  kafka-reassign-partitions.sh --bootstrap-server {server} --reassignment-json-file replicas.json --execute"
        "   # replicas.json: docs/topics.md#more-replicas"
    )


def grant(server: str, user: str | None, operation: str, resource: str) -> str:
    """Allow an operation on a resource, `--topic labels` say."""
    return (
        f"  kafka-acls.sh --bootstrap-server {server} --add --allow-principal User:{user or 'NAME'}"
        f" --operation {operation} {resource}"
    )
