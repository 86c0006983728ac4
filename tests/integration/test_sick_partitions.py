"""One sick partition stops itself only, on real brokers: the others go on, and it is caught up with when it is well."""

import time
from collections import Counter
from collections.abc import Iterator

import pytest
from kafka import KafkaProducer
from kafka.admin import KafkaAdminClient, NewTopic
from kafka.record import default_records

from tests.integration.streams import PARTITIONS, Stream, sources, texts
from tests.services import Brokers
from textsieve.embedded.kafka.cluster import KafkaCluster
from textsieve.embedded.topics import Names

SICK = 1
PATIENCE_SECONDS = 60.0


@pytest.fixture
def stream(one_broker: Brokers, store: str, names: Names) -> Iterator[Stream]:
    running = Stream(one_broker, store, names)
    yield running
    running.close()


@pytest.fixture
def on_three(kafka3: KafkaCluster, store: str, names: Names) -> Iterator[Stream]:
    running = Stream(Brokers(kafka3.bootstrap_servers, "kafka"), store, names)
    yield running
    running.close()


def await_answers(stream: Stream, expected: dict[int, int], *, without: int | None = None) -> None:
    """Until the output holds so many answers in each partition."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (found := Counter(m.partition for m in stream.read(stream.names.labels, without=without))) != expected:
        assert time.monotonic() < deadline, found
        assert stream.processes[0].poll() is None, stream.processes[0].communicate()[1]
        time.sleep(0.2)


def test_without_the_leader_of_one_output_partition_the_others_are_answered(
    on_three: Stream, kafka3: KafkaCluster
) -> None:
    """The output has one replica of each partition: one lies alone on the broker that is killed."""
    admin = KafkaAdminClient(bootstrap_servers=kafka3.bootstrap_servers)
    alone = {0: [1], SICK: [2], 2: [3], 3: [3]}
    admin.create_topics([NewTopic(on_three.names.labels, replica_assignments=alone)])
    admin.close()
    process = on_three.start()
    on_three.wait_for_topics()
    on_three.send(texts(80))
    on_three.until_answered(80)

    kafka3.kill(2)
    on_three.send(texts(80, start=80))
    await_answers(on_three, dict.fromkeys({0, 2, 3}, 40), without=SICK)
    kafka3.start(2)
    results, letters = on_three.until_answered(160)
    code, errors = on_three.stop(process)

    assert 0 == code
    assert {1} == set((sources(results) + sources(letters)).values())
    assert f"{on_three.names.messages}/{SICK}" in next(line for line in errors.splitlines() if "set aside" in line)


def test_a_batch_that_cannot_be_read_holds_its_partition_only(stream: Stream, monkeypatch: pytest.MonkeyPatch) -> None:
    """A broker that looks into batches would not take it; this one does not look."""
    process = stream.start()
    stream.wait_for_topics()
    stream.send(texts(40))
    stream.until_answered(40)

    with monkeypatch.context() as patch:
        patch.setattr(default_records, "lz4_encode", lambda _: b"this was never packed")
        producer = KafkaProducer(bootstrap_servers=stream.broker, compression_type="lz4")
        producer.send(stream.names.messages, texts(1)[0], partition=SICK).get(timeout=60)
        producer.close(timeout=5)
    stream.send(texts(40, start=40))
    await_answers(stream, {number: 10 if number == SICK else 20 for number in range(PARTITIONS)})
    code, errors = stream.stop(process)

    assert 0 == code
    assert {1} == set(sources(stream.read(stream.names.labels)).values())
    assert "from offset 10 on it cannot be read" in next(line for line in errors.splitlines() if "set aside" in line)
