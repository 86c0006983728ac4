"""The output log read back on a real broker: which answers it shows, and which it does not mistake."""

from collections.abc import Callable, Iterator

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.structs import OffsetAndMetadata

from tests.integration.streams import Stream, texts
from tests.services import Brokers
from textsieve.embedded.topics import Names
from textsieve.worker.connectors.kafka.producer.published_offsets import PublishedOffsetsReader
from textsieve.worker.records import Partition, Position
from textsieve.worker.settings import KafkaSettings

BATCH = 5
P0 = Partition("in", 0)


@pytest.fixture
def stream(each_broker: Brokers, store: str, names: Names) -> Iterator[Stream]:
    running = Stream(each_broker, store, names)
    running.create(names.labels, partitions=1)
    yield running
    running.close()


@pytest.fixture
def answer(stream: Stream) -> Iterator[Callable[..., None]]:
    """Puts an answer into the output topic."""
    producer = KafkaProducer(bootstrap_servers=stream.broker)

    def put(offset: int, *, topic: str = "in", topic_id: str = "now", source: bytes | None = None) -> None:
        where = source or f"{topic}/0/{offset}".encode()
        headers = [("textsieve.source", where), ("textsieve.topic-id", topic_id.encode())]
        producer.send(stream.names.labels, b"{}", headers=headers, partition=0).get(timeout=60)

    yield put
    producer.close(timeout=5)


def read(stream: Stream, start: int) -> set[int]:
    settings = KafkaSettings(bootstrap_servers=tuple(stream.broker.split(",")), preset=stream.preset)
    reader = PublishedOffsetsReader(settings, stream.names.labels, BATCH)
    found = reader.read({P0: Position(start, "now")})
    reader.close()
    return found[P0]


def test_an_empty_log_answers_nothing(stream: Stream) -> None:
    assert set() == read(stream, 0)


def test_answers_from_the_start_on_are_found_and_older_ones_are_not_held(stream: Stream, answer) -> None:
    for offset in range(40):
        answer(offset)

    assert set(range(33, 40)) == read(stream, 33)


def test_a_hole_is_seen_as_a_hole(stream: Stream, answer) -> None:
    for offset in (0, 1, 2, 4, 5, 3, 7):
        answer(offset)

    assert {2, 3, 4, 5, 7} == read(stream, 2)


def test_answers_are_found_behind_a_whole_batch_that_was_filled_in_later(stream: Stream, answer) -> None:
    for offset in (*range(40), *range(45, 50), *range(40, 44)):  # 45 to 49 had landed when the batch failed
        answer(offset)

    assert set(range(45, 50)) == read(stream, 44)


def test_answers_to_another_topic_do_not_hide_ours(stream: Stream, answer) -> None:
    for offset in range(3):
        answer(offset)
    for offset in range(60):
        answer(offset, topic="other")

    assert {1, 2} == read(stream, 1)


def test_answers_to_another_life_of_the_topic_do_not_count(stream: Stream, answer) -> None:
    answer(1, topic_id="before")
    answer(2)

    assert {2} == read(stream, 0)


@pytest.mark.parametrize("source", [b"", b"in", b"in/0/x", b"in/0/-1", b"\xff/\xff"])
def test_a_strangers_message_is_passed_over(stream: Stream, answer, source: bytes) -> None:
    answer(0, source=source or b"no source")
    answer(1)

    assert {1} == read(stream, 0)


def test_a_group_beyond_the_end_of_its_topic_is_a_fault_that_names_the_way_out(stream: Stream) -> None:
    group = KafkaConsumer(bootstrap_servers=stream.broker, group_id=stream.names.group, enable_auto_commit=False)
    group.assign([TopicPartition(stream.names.messages, 0)])
    group.commit({TopicPartition(stream.names.messages, 0): OffsetAndMetadata(100, "", -1)}, timeout_ms=5000)
    group.close(autocommit=False)
    stream.send(texts(4))

    process = stream.start(kafka__output_topic=stream.names.labels + "-x")
    _, errors = process.communicate(timeout=60)

    assert 1 == process.returncode
    assert "beyond the end" in errors
