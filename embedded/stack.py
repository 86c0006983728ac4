"""The broker and the store together."""

from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from textsieve.embedded.broker import Broker
from textsieve.embedded.store import Store


class Stack:
    """A running broker and a running store; leaving the context stops both.

    Example:
        >>> with Stack.start() as stack:  # doctest: +SKIP
        ...     stack.bootstrap_servers, stack.redis_url
    """

    def __init__(self, broker: Broker, store: Store, *, resources: ExitStack) -> None:
        self.broker = broker
        self.store = store
        self._resources = resources

    @classmethod
    def start(
        cls,
        *,
        broker_port: int | None = None,
        store_port: int | None = None,
        broker_bin: Path | None = None,
        store_bin: Path | None = None,
        data_directory: Path | None = None,
    ) -> Self:
        """Start both and wait until they are ready.

        Raises:
            BinaryMissing: One of them does not exist for this platform.
            StartFailed: One of them did not come to serve; the other is stopped.
        """
        with ExitStack() as resources:
            broker = resources.enter_context(Broker(port=broker_port, binary=broker_bin))
            store = resources.enter_context(Store(port=store_port, binary=store_bin, data_directory=data_directory))
            return cls(broker, store, resources=resources.pop_all())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    @property
    def bootstrap_servers(self) -> str:
        """The broker's address."""
        return self.broker.bootstrap_servers

    @property
    def redis_url(self) -> str:
        """The store's address."""
        return self.store.redis_url

    def stop(self) -> None:
        """Stop both."""
        self._resources.close()
