"""A primary of the store dies in the middle of a stream: its replica takes over, and every result counts once."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
import pytest
import redis

from tests.topologies import clustered, watched
from textsieve.embedded.server import Server
from textsieve.worker.clustering.online import OnlineClusters
from textsieve.worker.clustering.space import ClusterSpace
from textsieve.worker.connectors.redis import RedisCentroidStore, connect
from textsieve.worker.errors import StoreUnavailable
from textsieve.worker.records import Observations, Partition, Position
from textsieve.worker.settings import RedisSettings

PARTITION = Partition("in", 0)
K, DIM, BATCH = 3, 4, 5
SPACE = ClusterSpace("model", "group", K, 2 * BATCH, 60.0)
NAME = "b"  # its slot is on the first node of the cluster, which has the replica
FAILOVER_SECONDS = 100.0


@dataclass
class Failing:
    """A store whose primary can be made to fail."""

    settings: RedisSettings
    primary: Server
    replica: Server

    def cut_replica_off(self) -> None:
        """From now on the replica learns nothing: what is written will be lost with the primary."""
        self.replica.signal(signal.SIGSTOP)
        with redis.Redis(port=self.primary.port) as client:  # or the line would hold what it is sent meanwhile
            client.execute_command("CLIENT", "KILL", "TYPE", "replica")

    def fail_over(self) -> None:
        """The primary is gone, and whoever watches it finds out in its own time."""
        self.primary.kill()
        self.replica.signal(signal.SIGCONT)


@pytest.fixture(params=["sentinel", "cluster"])
def failing(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Failing]:
    with ExitStack() as servers:
        if request.param == "sentinel":
            pair = servers.enter_context(watched(tmp_path))
            yield Failing(pair.settings, pair.primary, pair.replica)
        else:
            nodes = servers.enter_context(clustered(tmp_path))
            yield Failing(nodes.settings, nodes.primaries[0], nodes.replica)


@dataclass
class Stream:
    """Results of one partition, observed in batches as a worker does, again from where it is told to."""

    clusters: OnlineClusters
    next: int = 0

    def begin(self) -> None:
        start = self.clusters.watermarks().get(PARTITION, Position(0, "life"))
        self.clusters.begin({PARTITION: start})
        self.next = start.offset

    def observe(self) -> None:
        offsets = np.arange(self.next, self.next + BATCH)
        rows = np.stack([np.random.default_rng(offset).standard_normal(DIM) for offset in offsets]).astype(np.float32)
        ids = self.clusters.assign(rows).cluster_ids
        self.next += BATCH
        self.clusters.observe(Observations([PARTITION] * BATCH, offsets, rows, ids), {PARTITION: self.next})

    def learn_up_to(self, end: int) -> int:
        """Go on until everything before `end` is learned; how often the store had gone back."""
        deadline, rolled_back = time.monotonic() + FAILOVER_SECONDS, 0
        while self.next < end or self.clusters.has_pending:
            assert time.monotonic() < deadline, "no primary came back"
            if self.next < end:
                self.observe()
            try:
                learned = self.clusters.learn()
            except StoreUnavailable:
                time.sleep(0.2)
                continue
            if learned.rolled_back:
                rolled_back += 1
                self.begin()
        return rolled_back


@pytest.fixture
def stream(failing: Failing) -> Iterator[Stream]:
    client = connect(failing.settings)
    stream = Stream(OnlineClusters(RedisCentroidStore(client, NAME, SPACE), SPACE, Random(1), time.sleep))
    stream.begin()
    yield stream
    client.close()


def eventually(found: Callable[[], bool]) -> None:
    deadline = time.monotonic() + FAILOVER_SECONDS
    while not found():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def learned(port: int) -> int:
    with redis.Redis(port=port) as client:
        client.readonly() if client.info("cluster")["cluster_enabled"] else None
        return int(client.hget(f"textsieve:{{{NAME}}}:centroids", "learned") or 0)


def assert_counted_once(stream: Stream, end: int) -> None:
    found = stream.clusters.snapshot
    assert (end, pytest.approx(end), {PARTITION: Position(end, "life")}) == (
        found.learned,
        found.counts.sum(),
        found.watermarks,
    )


def test_after_a_failover_the_stream_goes_on_from_what_the_replica_has(failing, stream):
    stream.learn_up_to(8 * BATCH)
    eventually(lambda: learned(failing.replica.port) == 8 * BATCH)

    failing.fail_over()
    rolled_back = stream.learn_up_to(20 * BATCH)

    assert 0 == rolled_back
    assert_counted_once(stream, 20 * BATCH)


def test_writes_that_are_lost_in_a_failover_are_learned_again(failing, stream):
    stream.learn_up_to(8 * BATCH)
    eventually(lambda: learned(failing.replica.port) == 8 * BATCH)
    failing.cut_replica_off()
    stream.learn_up_to(12 * BATCH)

    failing.fail_over()
    rolled_back = stream.learn_up_to(20 * BATCH)

    assert 1 == rolled_back
    assert_counted_once(stream, 20 * BATCH)
