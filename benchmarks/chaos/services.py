"""What the workers of a runner talk to: a broker and a store of its own, or the user's, behind proxies."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import redis

from benchmarks.chaos.brokers import Brokers, brokers_of_our_own
from benchmarks.chaos.deployment import Deployment
from benchmarks.chaos.errors import RunFailed
from benchmarks.chaos.proxy import Proxy
from textsieve.embedded.broker import Broker
from textsieve.embedded.listening import LOOPBACK
from textsieve.embedded.store import Store

AOF = "appendonlydir/*.incr.aof"  # where Redis 7 and Valkey append, below the data directory


@dataclass(frozen=True, slots=True)
class Services:
    """The addresses, and the means to break what is behind them.

    Attributes:
        bootstrap_servers: of the broker, through the proxy if it is ours.
        redis_url: of the store, through the proxy if it can be.
        deployment: whose they are, and what is promised there.
        store_client: past the proxy, for the director and the checker.
        broker_proxies: one to each broker; none where it is the user's.
        brokers: the nodes behind the proxies, where they are a cluster of ours.
        store_proxy: None where a proxy cannot be put before the user's service.
        store: None where it is the user's.
        store_directory: of the append-only file.
    """

    bootstrap_servers: str
    redis_url: str
    deployment: Deployment
    store_client: redis.Redis
    broker_proxies: tuple[Proxy, ...]
    brokers: Brokers | None
    store_proxy: Proxy | None
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
        """The cluster, where faults may be injected.

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
def services_of(deployment: Deployment, directory: Path) -> Iterator[Services]:
    """Start what is missing and put the proxies in place; everything ends with the context.

    Raises:
        EmbeddedError: a broker or a store did not come to serve.
    """
    with ExitStack() as resources:
        brokers = None
        lines: tuple[Proxy, ...] = ()
        if deployment.nodes:
            brokers = resources.enter_context(brokers_of_our_own(deployment.nodes, directory / "kafka"))
            lines = tuple(brokers.proxies.values())
        elif deployment.bootstrap_servers is None:
            lines = (_embedded_broker(resources),)
        data = directory / "store"
        data.mkdir()
        store = resources.enter_context(Store(data_directory=data)) if deployment.redis_url is None else None
        direct = deployment.redis_url or f"redis://{LOOPBACK}:{store.port if store else 0}/0"
        client = resources.enter_context(redis.Redis.from_url(direct, socket_timeout=5))
        store_proxy = _proxy_to(direct, resources)
        yield Services(
            bootstrap_servers=deployment.bootstrap_servers or ",".join(line.address for line in lines),
            redis_url=direct if store_proxy is None else f"redis://{store_proxy.address}{urlsplit(direct).path}",
            deployment=deployment,
            store_client=client,
            broker_proxies=lines,
            brokers=brokers,
            store_proxy=store_proxy,
            store=store,
            store_directory=data,
        )


def _embedded_broker(resources: ExitStack) -> Proxy:
    """The proxy before it."""
    line = resources.enter_context(Proxy())
    broker = resources.enter_context(Broker(advertised_port=line.port))
    line.upstream = (LOOPBACK, broker.port)
    return line


def _proxy_to(url: str, resources: ExitStack) -> Proxy | None:
    """A proxy before the store; none where TLS or a password is in the way."""
    parts = urlsplit(url)
    if parts.scheme != "redis" or parts.hostname is None or parts.password:
        return None
    return resources.enter_context(Proxy((parts.hostname, parts.port or 6379)))
