"""Fixtures that give tests a real broker and a real store.

The embedded ones by default; `TEXTSIEVE_TEST_KAFKA` (bootstrap servers) and `TEXTSIEVE_TEST_REDIS` (url) name others.
Tests that ask for `each_broker` meet Apache Kafka too. Where there is neither, tests are skipped with the reason; on CI
(`CI` is set) they fail.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, TypeVar

import pytest

from tests.topologies import Clustered, Watched, clustered, watched
from textsieve.embedded.broker import Broker
from textsieve.embedded.errors import BinaryMissing
from textsieve.embedded.kafka.cluster import KafkaCluster
from textsieve.embedded.kafka.jars import DEFAULT_VERSION
from textsieve.embedded.store import Store
from textsieve.embedded.topics import Names

Service = TypeVar("Service", bound=AbstractContextManager[Any])


VERSION = os.environ.get("TEXTSIEVE_TEST_KAFKA_VERSION", DEFAULT_VERSION)  # of `kafka` and `kafka3`
GIVEN = os.environ.get("TEXTSIEVE_TEST_KAFKA")
BROKERS = ("given",) if GIVEN else ("embedded", "kafka")  # what `each_broker` goes through
KAFKA = BROKERS[-1]  # Apache Kafka: ours, or the given one


@dataclass(frozen=True, slots=True)
class Brokers:
    """Where brokers are, and what they are: the worker's `kafka.preset` for them."""

    bootstrap_servers: str
    preset: Literal["kafka", "embedded"]


@pytest.fixture(scope="session")
def one_broker() -> Iterator[Brokers]:
    """For tests to which brokers are all the same: the given one, else the embedded one."""
    if GIVEN:
        yield Brokers(GIVEN, "kafka")
        return
    with _embedded(Broker) as server:
        yield Brokers(server.address, "embedded")


@pytest.fixture(scope="session")
def broker(one_broker: Brokers) -> str:
    """Bootstrap servers of `one_broker`."""
    return one_broker.bootstrap_servers


@pytest.fixture(params=BROKERS)
def each_broker(request: pytest.FixtureRequest) -> Brokers:
    """The embedded broker and Apache Kafka in turn; the given one alone where one is given."""
    return brokers(request.param, request)


def brokers(kind: str, request: pytest.FixtureRequest) -> Brokers:
    """Those of one of the kinds of BROKERS, started at their first use."""
    if kind == "kafka":
        return Brokers(request.getfixturevalue("kafka").bootstrap_servers, "kafka")
    found: Brokers = request.getfixturevalue("one_broker")
    return found


@pytest.fixture(scope="session")
def store() -> Iterator[str]:
    """URL of a Redis."""
    if given := os.environ.get("TEXTSIEVE_TEST_REDIS"):
        yield given
        return
    with _embedded(Store) as server:
        yield f"redis://{server.address}/0"


@pytest.fixture(scope="session")
def sentinel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """A primary with a replica, and the sentinel that watches them."""
    _embedded(Store)  # or it says what is not installed
    with watched(tmp_path_factory.mktemp("sentinel")) as servers:
        yield servers


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clustered]:
    """A Redis Cluster."""
    _embedded(Store)  # or it says what is not installed
    with clustered(tmp_path_factory.mktemp("cluster")) as servers:
        yield servers


@pytest.fixture(scope="session")
def kafka() -> Iterator[KafkaCluster]:
    """Apache Kafka of one node, for all tests of a run: leave it as you found it."""
    with _embedded(partial(KafkaCluster, version=VERSION)) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def three_nodes() -> Iterator[KafkaCluster]:
    """The cluster behind `kafka3`."""
    with _embedded(partial(KafkaCluster, 3, version=VERSION)) as cluster:
        yield cluster


@pytest.fixture
def kafka3(three_nodes: KafkaCluster) -> Iterator[KafkaCluster]:
    """Apache Kafka of three nodes, whole again after each test: strike at it as you like."""
    yield three_nodes
    for node in three_nodes.numbers:
        if three_nodes.alive(node):
            three_nodes.cont(node)
    three_nodes.start(*(node for node in three_nodes.numbers if not three_nodes.alive(node)))


@pytest.fixture(scope="session")
def installed_kafka() -> None:
    """What a test needs whose subprocess starts Apache Kafka."""
    _embedded(KafkaCluster)  # or it says what is not installed


@pytest.fixture
def names() -> Names:
    """Topics, a group and a cluster space for one test."""
    return Names.unique("test")


def _embedded(server: Callable[[], Service]) -> Service:
    try:
        return server()
    except BinaryMissing as missing:
        if os.environ.get("CI"):
            pytest.fail(f"CI must run these tests: {missing}")
        pytest.skip(str(missing))
