"""Reading whole topics on a real broker."""

import time

import pytest
from kafka import KafkaAdminClient, KafkaProducer

from textsieve.embedded.errors import DemoFailed
from textsieve.embedded.reading import Reader, read_topics


@pytest.fixture
def topic(broker, names) -> str:
    admin = KafkaAdminClient(bootstrap_servers=broker)
    admin.create_topics({names.messages: {"num_partitions": 4, "replication_factor": 1}}, wait_for_metadata=True)
    admin.close()
    return names.messages


def send(broker: str, topic: str, values: list[bytes]) -> None:
    """In batches of many, over three of the four partitions."""
    producer = KafkaProducer(bootstrap_servers=broker, linger_ms=50)
    for number, value in enumerate(values):
        producer.send(topic, value, partition=number % 3)
    producer.flush()
    producer.close()


def test_every_record_is_read_to_the_end_of_the_last_batch(broker, topic) -> None:
    values = [b"%d" % number for number in range(1000)]
    send(broker, topic, values)

    records = read_topics(broker, [topic], timeout_seconds=60)

    assert sorted(values) == sorted(record.value for record in records)
    by_partition = [[record.offset for record in records if record.partition == number] for number in range(4)]
    assert [list(range(334)), list(range(333)), list(range(333)), []] == by_partition


@pytest.mark.alone
def test_an_empty_topic_ends_at_once(broker, topic) -> None:
    began = time.monotonic()

    assert [] == read_topics(broker, [topic], timeout_seconds=20)
    assert time.monotonic() - began < 5


def test_a_reader_goes_on_with_what_comes_later(broker, topic) -> None:
    with Reader(broker, [topic]) as reader:
        send(broker, topic, [b"late"])
        deadline = time.monotonic() + 60
        while not (records := reader.poll()) and time.monotonic() < deadline:
            pass

    assert [b"late"] == [record.value for record in records]


def test_a_missing_topic_is_named(broker, names) -> None:
    with pytest.raises(DemoFailed, match=names.labels):
        read_topics(broker, [names.labels], timeout_seconds=5)


def test_a_broker_that_is_not_there_is_named(monkeypatch) -> None:
    monkeypatch.setattr("textsieve.embedded.reading.CONNECT_SECONDS", 0.5)

    with pytest.raises(DemoFailed, match=r"127\.0\.0\.1:1"):
        read_topics("127.0.0.1:1", ["messages"], timeout_seconds=5)
