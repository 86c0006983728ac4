"""What contract tests of a store ask: the one in memory, and a real one however its servers stand together."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

import pytest

from textsieve.worker.connectors.redis import connect
from textsieve.worker.connectors.redis.client import Client
from textsieve.worker.settings import RedisSettings

Store = TypeVar("Store")


@dataclass(frozen=True)
class Backend(Generic[Store]):
    """A store, and how another worker would reach it."""

    store: Store
    another: Callable[[], Store]


def redis_settings(topology: str, request: pytest.FixtureRequest) -> RedisSettings:
    """Those of a topology: single, or a fixture of tests.services that is named so."""
    if topology == "single":
        return RedisSettings(url=request.getfixturevalue("store"))
    found: RedisSettings = request.getfixturevalue(topology).settings
    return found


@contextmanager
def redis_backend(settings: RedisSettings, build: Callable[[Client], Store]) -> Iterator[Backend[Store]]:
    """A real store; each that is opened has a client of its own, which is closed in the end."""
    with ExitStack() as clients:

        def opened() -> Store:
            client = connect(settings)
            clients.callback(client.close)
            return build(client)

        yield Backend(opened(), opened)
