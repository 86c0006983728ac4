from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.streams import Stream
from tests.services import Brokers
from textsieve.embedded.topics import Names

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder needs a real broker or store."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.integration)


@pytest.fixture
def stream(each_broker: Brokers, store: str, names: Names) -> Iterator[Stream]:
    """A stream whose environment names its broker, as programs in the docs expect."""
    running = Stream(
        each_broker, store, names, environment={"TEXTSIEVE_KAFKA__BOOTSTRAP_SERVERS": each_broker.bootstrap_servers}
    )
    yield running
    running.close()
