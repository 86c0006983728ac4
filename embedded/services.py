"""The broker and the store that something runs on: the user's, or ours where there is none."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from textsieve.embedded.broker import Broker
from textsieve.embedded.store import Store


@dataclass(frozen=True, slots=True)
class Services:
    """Where they are, and which of them we started."""

    bootstrap_servers: str
    redis_url: str
    preset: str  # the worker's kafka.preset
    broker: Broker | None = None  # None if it is somebody else's
    store: Store | None = None  # None if it is somebody else's

    def check(self) -> None:
        """See that ours still run.

        Raises:
            ServerDied: One of them ended by itself.
        """
        for server in (self.broker, self.store):
            if server is not None:
                server.check()

    @property
    def settings(self) -> dict[str, str]:
        """Environment variables that let a worker use them."""
        return {
            "TEXTSIEVE_KAFKA__BOOTSTRAP_SERVERS": self.bootstrap_servers,
            "TEXTSIEVE_KAFKA__PRESET": self.preset,
            "TEXTSIEVE_REDIS__URL": self.redis_url,
        }

    @property
    def exports(self) -> str:
        """The settings as lines for a shell."""
        return "\n".join(f"export {name}={value}" for name, value in self.settings.items())


@contextmanager
def start_services(
    bootstrap_servers: str | None = None,
    redis_url: str | None = None,
    *,
    broker: Callable[[], Broker] = Broker,
    store: Callable[[], Store] = Store,
) -> Iterator[Services]:
    """Start what is missing; stop it at the end.

    Raises:
        BinaryMissing: There is no broker or no store for this platform.
        StartFailed: One of them did not come to serve.
    """
    with ExitStack() as resources:
        our_broker = resources.enter_context(broker()) if bootstrap_servers is None else None
        our_store = resources.enter_context(store()) if redis_url is None else None
        yield Services(
            bootstrap_servers=our_broker.bootstrap_servers if our_broker else bootstrap_servers or "",
            redis_url=our_store.redis_url if our_store else redis_url or "",
            preset="embedded" if our_broker else "kafka",
            broker=our_broker,
            store=our_store,
        )
