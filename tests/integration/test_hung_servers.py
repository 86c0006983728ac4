"""Bootstrap servers that take connections and say nothing, as a stopped broker does, beside a healthy one."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest

from textsieve.embedded.reading import read_topics
from textsieve.embedded.topics import Names, create_topics
from textsieve.producer.connection import Connection
from textsieve.producer.messages import Message
from textsieve.producer.publisher import publish
from textsieve.producer.topics import TopicSpec
from textsieve.worker.connectors.kafka import prepare_topics
from textsieve.worker.connectors.kafka.client.options import BOOTSTRAP_TIMEOUT_MS
from textsieve.worker.errors import BrokerUnavailable
from textsieve.worker.settings import DeliverySettings, KafkaSettings, OutputSettings

HUNG = 2


@pytest.fixture
def hung() -> Iterator[tuple[str, ...]]:
    with ExitStack() as stack:
        listeners = [stack.enter_context(closing(socket.create_server(("127.0.0.1", 0)))) for _ in range(HUNG)]
        yield tuple(f"127.0.0.1:{listener.getsockname()[1]}" for listener in listeners)


def test_the_producer_goes_on_with_the_healthy_one(hung: tuple[str, ...], broker: str, names: Names) -> None:
    report = publish(
        [Message(None, b'{"text": "hello"}')],
        connection=Connection((*hung, broker)),
        topic=TopicSpec(names.messages, partitions=1),
    )

    assert (1, 1, None) == (report.sent, report.acked, report.fault)


def test_the_worker_goes_on_with_the_healthy_one(hung: tuple[str, ...], broker: str, names: Names) -> None:
    create_topics(broker, names, partitions=2)
    settings = KafkaSettings(
        bootstrap_servers=(*hung, broker),
        preset="embedded",
        input_topics=(names.messages,),
        output_topic=names.labels,
        dead_letter_topic=names.dead_letters,
    )

    found = prepare_topics(settings, OutputSettings(), DeliverySettings())

    assert 2 == found.partitions


def test_the_demo_goes_on_with_the_healthy_one(hung: tuple[str, ...], broker: str, names: Names) -> None:
    servers = ",".join((*hung, broker))
    create_topics(servers, names, partitions=2)

    assert [] == read_topics(servers, names.topics, timeout_seconds=20)


@pytest.mark.alone
def test_where_all_hang_the_worker_says_so_in_time(hung: tuple[str, ...]) -> None:
    began = time.monotonic()
    with pytest.raises(BrokerUnavailable, match=r"kafka\.bootstrap_servers"):
        prepare_topics(KafkaSettings(bootstrap_servers=hung), OutputSettings(), DeliverySettings())

    assert time.monotonic() - began < BOOTSTRAP_TIMEOUT_MS / 1000 + 5
