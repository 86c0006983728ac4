"""Keeps tests that share something expensive in one process, where several processes share the work.

Every process has its own embedded broker and store, which start in a moment. Apache Kafka, and what a module prepares
for all of its tests, is started once in a run.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from _pytest.nodeid import NodeId

EXPENSIVE = ("three_nodes", "kafka", "installed_kafka")  # fixtures of tests.services
KAFKA = ("kafka", "kafka, ")  # a parameter that is this, or begins so, asks for the fixture by its name


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Name the group in the test's id, where `--dist loadgroup` looks for it.

    pytest-xdist would do so by its mark `xdist_group`, but writes into a field that pytest 9.2 no longer reads.
    """
    if not hasattr(config, "workerinput"):
        return
    for item in items:
        group = next(_groups(item), None)
        if group is not None:
            item._id = NodeId.parse(f"{item.nodeid}@{group}")


def _groups(item: pytest.Item) -> Iterator[str]:
    if not isinstance(item, pytest.Function):
        return
    fixtures = [known[-1] for known in item._fixtureinfo.name2fixturedefs.values()]
    shared = {fixture.argname for fixture in fixtures if fixture.func.__module__ == "tests.services"}
    yield from (name for name in EXPENSIVE if name in shared)
    if any(_is_kafka(value) for value in _parameters(item)):
        yield "kafka"
    if any(fixture.scope == "module" for fixture in fixtures):
        yield item.path.stem


def _parameters(item: pytest.Function) -> tuple[Any, ...]:
    return tuple(item.callspec.params.values()) if hasattr(item, "callspec") else ()


def _is_kafka(value: object) -> bool:
    return isinstance(value, str) and (value == KAFKA[0] or value.startswith(KAFKA[1]))
