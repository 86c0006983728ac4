"""Fixtures that give tests a real broker and a real store.

The embedded ones by default; `TEXTSIEVE_TEST_KAFKA` (bootstrap servers) and `TEXTSIEVE_TEST_REDIS` (url) name others.
Where there is neither, tests are skipped with the reason; on CI (`CI` is set) they fail.
"""

import os
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from embedded.broker import Broker
from embedded.errors import BinaryMissing
from embedded.server import Server
from embedded.store import Store


@dataclass(frozen=True, slots=True)
class Names:
    """Names that no other test uses."""

    messages: str
    labels: str
    dead_letters: str
    group: str
    space: str


@pytest.fixture(scope="session")
def broker() -> Iterator[str]:
    """Bootstrap servers of a Kafka broker."""
    if given := os.environ.get("TEXTSIEVE_TEST_KAFKA"):
        yield given
        return
    with _embedded(Broker) as server:
        yield server.address


@pytest.fixture(scope="session")
def store() -> Iterator[str]:
    """URL of a Redis."""
    if given := os.environ.get("TEXTSIEVE_TEST_REDIS"):
        yield given
        return
    with _embedded(Store) as server:
        yield f"redis://{server.address}/0"


@pytest.fixture
def names() -> Names:
    """Topics, a group and a cluster space for one test."""
    unique = uuid.uuid4().hex[:12]
    return Names(
        messages=f"messages-{unique}",
        labels=f"labels-{unique}",
        dead_letters=f"dead-letters-{unique}",
        group=f"group-{unique}",
        space=f"space-{unique}",
    )


def _embedded(server: Callable[[], Server]) -> Server:
    try:
        return server()
    except BinaryMissing as missing:
        if os.environ.get("CI"):
            pytest.fail(f"CI must run these tests: {missing}")
        pytest.skip(str(missing))
