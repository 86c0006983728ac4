"""Members with a stable name, and clients that the brokers slow down."""

import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from embedded.kafka.cluster import KafkaCluster
from embedded.topics import Names
from tests.integration.streams import Stream, sources, texts
from tests.services import Brokers

FENCED_SECONDS = 40


@pytest.fixture
def stream(kafka: KafkaCluster, store: str, names: Names) -> Iterator[Stream]:
    with closing(Stream(Brokers(kafka.bootstrap_servers, "kafka"), store, names)) as running:
        yield running


def test_a_member_whose_name_another_took_ends_and_says_so(stream: Stream) -> None:
    older = stream.start(kafka__group_instance_id="worker-1")
    stream.wait_for_topics()
    stream.send(texts(40))
    stream.until_answered(40)

    newer = stream.start(kafka__group_instance_id="worker-1")
    _, said = older.communicate(timeout=FENCED_SECONDS)
    stream.send(texts(40, 40))
    results, _ = stream.until_answered(80)
    code, _ = stream.stop(newer)

    assert 2 == older.returncode
    assert "kafka.group_instance_id" in said.splitlines()[-1]
    assert 0 == code
    assert {1} == set(sources(results).values())
    assert 80 == len(results)


def test_a_member_that_comes_back_under_its_name_goes_on(stream: Stream) -> None:
    process = stream.start(kafka__group_instance_id="worker-1")
    stream.wait_for_topics()
    stream.send(texts(40))
    stream.until_answered(40)
    process.kill()

    began = time.monotonic()
    stream.start(kafka__group_instance_id="worker-1")
    stream.send(texts(40, 40))
    results, _ = stream.until_answered(80)

    assert {1} == set(sources(results).values())
    assert 80 == len(results)
    assert time.monotonic() - began < FENCED_SECONDS
