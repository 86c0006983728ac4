"""What the workers of an arena talk to: a broker and a store of its own, or the user's, behind breakable lines."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import redis

from benchmarks.chaos.brokers import Brokers, brokers_of_our_own
from benchmarks.chaos.errors import RunFailed
from benchmarks.chaos.ground import Ground
from benchmarks.chaos.proxy import Proxy
from textsieve.embedded.broker import Broker
from textsieve.embedded.listening import LOOPBACK
from textsieve.embedded.store import Store

AOF = "appendonlydir/*.incr.aof"  # where Redis 7 and Valkey append, below the data directory


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The addresses, and the means to break what is behind them.

    Attributes:
        bootstrap_servers: of the broker, through the line if it is ours.
        redis_url: of the store, through the line if it can be.
        ground: whose they are, and what is promised there.
        store_client: past the line, for the director and the checker.
        broker_lines: one to each broker; none where it is the user's.
        brokers: the nodes behind the lines, where they are a cluster of ours.
        store_line: None where a line cannot be put before the user's service.
        store: None where it is the user's.
        store_directory: of the append-only file.
    """

    bootstrap_servers: str
    redis_url: str
    ground: Ground
    store_client: redis.Redis
    broker_lines: tuple[Proxy, ...]
    brokers: Brokers | None
    store_line: Proxy | None
    store: Store | None
    store_directory: Path

    @property
    def own_store(self) -> Store:
        """The store, where it may be killed.

        Raises:
            RunFailed: it is the user's.
        """
        if self.store is None:
            raise RunFailed("expected a store of our own, got the user's: this event is not for it")
        return self.store

    @property
    def own_brokers(self) -> Brokers:
        """The cluster, where it may be struck.

        Raises:
            RunFailed: there is none of ours.
        """
        if self.brokers is None:
            raise RunFailed("expected a cluster of our own, got none: this event is not for it")
        return self.brokers

    def log_of_store(self) -> Path:
        """The file that the store appends to at present."""
        return max(self.store_directory.glob(AOF), key=lambda path: path.stat().st_mtime_ns)


@contextmanager
def surroundings(ground: Ground, directory: Path) -> Iterator[Surroundings]:
    """Start what is missing and put the lines in place; everything ends with the context.

    Raises:
        EmbeddedError: a broker or a store did not come to serve.
    """
    with ExitStack() as resources:
        brokers = None
        lines: tuple[Proxy, ...] = ()
        if ground.nodes:
            brokers = resources.enter_context(brokers_of_our_own(ground.nodes, directory / "kafka"))
            lines = tuple(brokers.lines.values())
        elif ground.bootstrap_servers is None:
            lines = (_embedded_broker(resources),)
        data = directory / "store"
        data.mkdir()
        store = resources.enter_context(Store(data_directory=data)) if ground.redis_url is None else None
        direct = ground.redis_url or f"redis://{LOOPBACK}:{store.port if store else 0}/0"
        client = resources.enter_context(redis.Redis.from_url(direct, socket_timeout=5))
        store_line = _line_to(direct, resources)
        yield Surroundings(
            bootstrap_servers=ground.bootstrap_servers or ",".join(line.address for line in lines),
            redis_url=direct if store_line is None else f"redis://{store_line.address}{urlsplit(direct).path}",
            ground=ground,
            store_client=client,
            broker_lines=lines,
            brokers=brokers,
            store_line=store_line,
            store=store,
            store_directory=data,
        )


def _embedded_broker(resources: ExitStack) -> Proxy:
    """The line before it."""
    line = resources.enter_context(Proxy())
    broker = resources.enter_context(Broker(advertised_port=line.port))
    line.upstream = (LOOPBACK, broker.port)
    return line


def _line_to(url: str, resources: ExitStack) -> Proxy | None:
    """A line to the store; none where TLS or a password is in the way."""
    parts = urlsplit(url)
    if parts.scheme != "redis" or parts.hostname is None or parts.password:
        return None
    return resources.enter_context(Proxy((parts.hostname, parts.port or 6379)))
