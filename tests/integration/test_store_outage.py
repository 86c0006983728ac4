"""The store is killed or frozen while a stream runs: labelling goes on, and every result is learned or given up."""

import signal
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.integration.streams import PARTITIONS, Stream, sources, texts
from tests.services import Brokers
from textsieve.embedded.listening import free_port
from textsieve.embedded.store import Store
from textsieve.embedded.topics import Names
from textsieve.worker.clustering.pending import row_bytes

BEFORE, DURING, AFTER = 100, 12_000, 300  # messages
ROOM_BYTES = 1024 * 1024  # the least there is
ROOM = ROOM_BYTES // row_bytes(16)  # results of the predictor without a model
LARGEST_BATCH = 1000
WAIT_SECONDS = 60.0


@dataclass
class Running:
    """A stream with one worker, and the store that will be away."""

    stream: Stream
    store: Store
    port: int = 0
    sent: int = 0

    def start(self) -> None:
        self.port = free_port()
        self.stream.start(http__port=self.port, clusters__max_pending_bytes=ROOM_BYTES, redis__timeout_seconds=0.3)
        self.stream.wait_for_topics()

    def send(self, count: int) -> None:
        self.stream.send(texts(count, self.sent))
        self.sent += count

    def metric(self, name: str) -> float:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=30) as page:  # loopback
            lines = page.read().decode().splitlines()
        return float(next(line.rpartition(" ")[2] for line in lines if line.startswith(f"textsieve_{name} ")))

    def answered(self) -> int:
        return len(self.stream.read(self.stream.names.labels))

    def until_answered(self) -> None:
        until(lambda: self.answered() >= self.sent)

    def assert_all_is_learned_or_given_up(self) -> float:
        """Every result once in the output, and once in the clusters or among what was given up: returns these."""
        until(lambda: self.sent <= self.stream.learned() + self.metric("unlearned_messages_total"))
        found = sources(self.stream.read(self.stream.names.labels))
        given_up = self.metric("unlearned_messages_total")
        assert (self.sent, {1}) == (len(found), set(found.values()))
        assert self.sent == self.stream.learned() + given_up
        return given_up


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.1)


@pytest.fixture
def running(each_broker: Brokers, names: Names, tmp_path: Path) -> Iterator[Running]:
    with Store(data_directory=tmp_path) as store:
        stream = Stream(each_broker, store.redis_url, names)
        running = Running(stream, store)
        running.start()
        running.send(BEFORE)
        until(lambda: stream.learned() == BEFORE)
        yield running
        stream.close()


def test_a_store_that_is_killed_for_long_costs_the_oldest_results_their_place_in_the_clusters(running: Running) -> None:
    running.store.kill()
    running.send(DURING)
    running.until_answered()
    ready = urllib.request.urlopen(f"http://127.0.0.1:{running.port}/readyz", timeout=30).status  # loopback
    up = running.metric("store_up")
    running.store.start()
    running.send(AFTER)
    running.until_answered()

    given_up = running.assert_all_is_learned_or_given_up()

    assert (200, 0) == (ready, up)
    assert DURING - ROOM <= given_up <= DURING + AFTER - ROOM + LARGEST_BATCH


def test_a_store_that_is_frozen_for_a_moment_costs_nothing(running: Running) -> None:
    running.store.signal(signal.SIGSTOP)
    try:
        running.send(AFTER)
        running.until_answered()
    finally:
        running.store.signal(signal.SIGCONT)

    assert 0 == running.assert_all_is_learned_or_given_up()


def test_a_worker_that_starts_while_the_store_is_away_labels_and_learns_when_it_is_there(running: Running) -> None:
    running.store.kill()
    running.stream.stop(running.stream.processes[-1])
    running.start()
    running.send(AFTER)
    running.until_answered()
    running.store.start()

    assert 0 == running.assert_all_is_learned_or_given_up()


def test_a_worker_that_dies_in_a_long_outage_is_succeeded_by_one_that_reads_back_no_further_than_the_bound(
    running: Running,
) -> None:
    running.store.kill()
    running.send(DURING)
    running.until_answered()
    running.stream.processes[-1].kill()
    running.store.start()

    running.start()
    running.send(AFTER)
    running.until_answered()

    given_up = running.assert_all_is_learned_or_given_up()
    again = running.metric('processed_messages_total{outcome="already_published"}')
    if running.stream.preset == "kafka":
        assert (DURING - ROOM, ROOM) == pytest.approx((given_up, again), abs=PARTITIONS)
    else:  # offsets waited for the store: all of it is read again, and learned
        assert (0, DURING) == (given_up, again)
