"""Broker or store frozen, gone or slow; groups that rebalance; passes longer than the group's patience."""

import signal
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError

import pytest

from tests.integration.streams import Stream, sources, texts
from tests.services import Brokers
from textsieve.embedded.broker import Broker
from textsieve.embedded.kafka.cluster import KafkaCluster
from textsieve.embedded.server import Server
from textsieve.embedded.store import Store
from textsieve.embedded.topics import Names

FREEZE_SECONDS = 5
QUIET_LINES = 40  # a worker's whole life in these tests: lifecycle, one line per change of state


@pytest.fixture
def own_broker() -> Iterator[Broker]:
    with Broker() as broker:
        yield broker


@pytest.fixture
def own_store(tmp_path: Path) -> Iterator[Store]:
    with Store(data_directory=tmp_path) as store:
        yield store


@pytest.fixture
def stream(own_broker: Broker, own_store: Store, names: Names) -> Iterator[Stream]:
    running = Stream(Brokers(own_broker.address, "embedded"), f"redis://{own_store.address}/0", names)
    yield running
    running.close()


@contextmanager
def frozen(server: Server) -> Iterator[None]:
    server.signal(signal.SIGSTOP)
    try:
        yield
    finally:
        server.signal(signal.SIGCONT)


def free_port() -> int:
    import socket  # noqa: PLC0415  # one use

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=30) as answer:  # loopback
            return bool(answer.status == 200)
    except HTTPError:
        return False


def until(condition: object, *, seconds: float = 100) -> None:
    deadline = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.1)


def assert_once(results: list[object], letters: list[object], count: int) -> None:
    answered = sources(results) + sources(letters)
    assert count == len(answered)
    assert {1} == set(answered.values())


def test_a_frozen_broker_is_waited_for_and_nothing_is_lost_or_repeated(stream: Stream, own_broker: Broker) -> None:
    port = free_port()
    process = stream.start(http__port=port, delivery__max_batch_records=20)
    stream.wait_for_topics()
    until(lambda: ready(port))
    stream.send(texts(600))

    with frozen(own_broker):
        until(lambda: not ready(port))
    until(lambda: ready(port))
    results, letters = stream.until_answered(600)
    code, errors = stream.stop(process)

    assert_once(results, letters, 600)
    assert 0 == code
    assert len(errors.splitlines()) < QUIET_LINES, errors


def test_a_killed_store_is_waited_for_while_labelling_goes_on(stream: Stream, own_store: Store) -> None:
    port = free_port()
    process = stream.start(http__port=port)
    stream.wait_for_topics()
    stream.send(texts(100))
    stream.until_answered(100)

    own_store.kill()
    stream.send(texts(200, 100))
    until(lambda: len(stream.read(stream.names.labels)) == 300)
    assert ready(port)
    own_store.restart()
    results, letters = stream.until_answered(300)
    code, errors = stream.stop(process)

    assert_once(results, letters, 300)
    assert 0 == code
    assert errors.count("store away") <= 1  # the outage may be over before anything was to be learned
    assert len(errors.splitlines()) < QUIET_LINES, errors


@pytest.mark.alone
@pytest.mark.parametrize("which", ["own_broker", "own_store"])
def test_a_worker_stops_within_its_deadline_although_a_service_is_frozen(
    stream: Stream, which: str, request: pytest.FixtureRequest
) -> None:
    server: Server = request.getfixturevalue(which)
    process = stream.start(delivery__shutdown_seconds=12)
    stream.wait_for_topics()
    stream.send(texts(50))
    stream.until_answered(50)

    with frozen(server):
        stream.send(texts(50)) if which == "own_store" else None
        time.sleep(1)
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)
        took = time.monotonic() - began

    assert took < 14


def test_workers_join_and_leave_with_the_cooperative_assignor(
    kafka: KafkaCluster, own_store: Store, names: Names
) -> None:
    """On Apache Kafka and without transactions: what was answered is read back at every change of the group."""
    stream = Stream(Brokers(kafka.bootstrap_servers, "kafka"), f"redis://{own_store.address}/0", names)
    try:
        _join_and_leave(stream)
    finally:
        stream.close()


def _join_and_leave(stream: Stream) -> None:
    options = {"delivery__guarantee": "at_least_once"}
    first = stream.start(**options)
    stream.wait_for_topics()
    stream.send(texts(200))
    second = stream.start(**options)
    mine = b"-%d" % second.pid

    def second_works() -> bool:
        stream.send(texts(8))
        return any(dict(m.headers)["textsieve.worker"].endswith(mine) for m in stream.read(stream.names.labels))

    until(second_works)
    stream.stop(first)
    stream.send(texts(100))
    sent = len(stream.read(stream.names.messages))

    results, letters = stream.until_answered(sent)

    assert_once(results, letters, sent)


def test_a_pass_longer_than_the_poll_interval_is_survived_with_smaller_batches(stream: Stream) -> None:
    process = stream.start(
        "--seconds-per-text=0.2",
        kafka__max_poll_interval_ms=10_000,
        delivery__max_batch_records=60,
        delivery__max_iteration_seconds=1000,
    )
    stream.wait_for_topics()
    stream.send(texts(60))  # 12 s in one batch: the group gives the partitions away

    results, letters = stream.until_answered(60, learned=True)
    _, errors = stream.stop(process)

    assert_once(results, letters, 60)
    assert "batch dropped" in errors
