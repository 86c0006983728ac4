"""The topics, group and cluster space of one demo, under names of their own."""

import secrets
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any, Self

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from textsieve.embedded.errors import DemoFailed
from textsieve.kafka_client.bootstrap import patient_client
from textsieve.kafka_client.durability import durable_shape

CREATE_TIMEOUT_MS = 10_000
CONNECT_TIMEOUT_MS = 8_000  # patience with a broker that does not answer: a person is waiting


@dataclass(frozen=True, slots=True)
class Names:
    """What one stream calls its things; nobody else's messages or centroids are among them."""

    messages: str
    labels: str
    dead_letters: str
    group: str
    space: str

    @classmethod
    def unique(cls, kind: str = "demo") -> Self:
        """Names with a random suffix, after what the stream is for."""
        return cls.ending(f"{kind}-{secrets.token_hex(4)}")

    @classmethod
    def ending(cls, suffix: str) -> Self:
        """Names that a suffix tells from all others."""
        return cls(
            messages=f"messages-{suffix}",
            labels=f"labels-{suffix}",
            dead_letters=f"dead-letters-{suffix}",
            group=f"textsieve-{suffix}",
            space=suffix,
        )

    @property
    def topics(self) -> tuple[str, str, str]:
        """Input, output and dead letters."""
        return (self.messages, self.labels, self.dead_letters)


def create_topics(bootstrap_servers: str, names: Names, *, partitions: int) -> None:
    """Create the three topics, each with so many partitions, as durable as the cluster can make them.

    Raises:
        DemoFailed: The broker does not answer or refuses.
    """
    with _admin(bootstrap_servers, f"create {', '.join(names.topics)}") as admin:
        shape = durable_shape(len(admin.describe_cluster()["brokers"]))
        layout = {"num_partitions": partitions, **shape}
        admin.create_topics(dict.fromkeys(names.topics, layout), timeout_ms=CREATE_TIMEOUT_MS, wait_for_metadata=True)


def delete_topics(bootstrap_servers: str, names: Names) -> None:
    """Delete the three topics again.

    Raises:
        DemoFailed: The broker does not answer or refuses.
    """
    with _admin(bootstrap_servers, f"delete {', '.join(names.topics)}") as admin:
        admin.delete_topics(list(names.topics), timeout_ms=CREATE_TIMEOUT_MS)


@contextmanager
def _admin(bootstrap_servers: str, expected: str) -> Iterator[Any]:
    try:
        admin = KafkaAdminClient(
            bootstrap_servers=bootstrap_servers.split(","),
            bootstrap_timeout_ms=CONNECT_TIMEOUT_MS,
            kafka_client=patient_client,
        )
        with closing(admin):
            yield admin
    except KafkaError as error:
        raise DemoFailed(f"expected to {expected} on {bootstrap_servers}, got {error!r}") from error
