"""Members with a stable name, and clients that the brokers slow down."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.integration.streams import Stream, sources, texts
from tests.services import Brokers
from textsieve.embedded.kafka.cluster import KafkaCluster
from textsieve.embedded.kafka.java import java_command
from textsieve.embedded.topics import Names

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
    _, said = older.communicate(timeout=60)
    stream.send(texts(40, 40))
    results, _ = stream.until_answered(80)
    code, _ = stream.stop(newer)

    assert 2 == older.returncode
    assert "kafka.group_instance_id" in said.splitlines()[-1]
    assert 0 == code
    assert {1} == set(sources(results).values())
    assert 80 == len(results)


@pytest.mark.alone
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


def test_a_worker_that_the_brokers_slow_down_loses_and_repeats_nothing(kafka: KafkaCluster, stream: Stream) -> None:
    count, long = 300, "word " * 60
    stream.send([text.replace(b"word", long.encode(), 1) for text in texts(count) if text])
    quota = "producer_byte_rate=20000,consumer_byte_rate=40000"
    _configs(kafka, "--add-config", quota)
    try:
        process = stream.start(kafka__compression="none")
        stream.wait_for_topics()
        results, _ = stream.until_answered(count)
        code, _ = stream.stop(process)
    finally:
        _configs(kafka, "--delete-config", "producer_byte_rate,consumer_byte_rate")

    assert (0, count) == (code, len(results))
    assert {1} == set(sources(results).values())


def _configs(kafka: KafkaCluster, *change: str) -> None:
    """Change the quota of all clients that call themselves as workers do."""
    entity = ("--entity-type", "clients", "--entity-name", "textsieve")
    arguments = ("--bootstrap-server", kafka.bootstrap_servers, "--alter", *entity, *change)
    command = java_command(kafka.classpath, "kafka.admin.ConfigCommand", *arguments)
    subprocess.run(command, check=True, capture_output=True, timeout=60)
