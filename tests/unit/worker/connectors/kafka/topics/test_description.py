"""What kafka-python's admin client says becomes plain data."""

from collections.abc import Mapping
from typing import Any

import pytest
from kafka.errors import (
    ClusterAuthorizationFailedError,
    InvalidTopicError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)

from textsieve.worker.connectors.kafka.topics import description
from textsieve.worker.connectors.kafka.topics.description import CONSUMER_OFFSETS, Topic, describe


class Admin:
    """Answers as kafka-python's does."""

    def __init__(self, codes: Mapping[str, int], *, operations: list[str] | None = None, replicas=(3, 3)) -> None:
        self.codes, self.operations, self.replicas = codes, operations, replicas
        self.configs: Any = {"topic": {}, "broker": {}}

    def describe_cluster(self):
        return {"brokers": [{"broker_id": 7}, {"broker_id": 8}]}

    def describe_topics(self, names):
        return [
            {
                "name": name,
                "topic_id": None if self.codes[name] else "uuid",
                "error_code": self.codes[name],
                "partitions": [{"replica_nodes": list(range(count))} for count in self.replicas],
                "authorized_operations": self.operations,
            }
            for name in names
        ]

    def describe_configs(self, resources, *, config_filter):
        if isinstance(self.configs, Exception):
            raise self.configs
        return self.configs


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(description, "RETRY_SECONDS", 0.05)


def test_a_topic_that_is_there_is_described() -> None:
    admin = Admin({"messages": 0, CONSUMER_OFFSETS: 0}, operations=["READ", "DESCRIBE"], replicas=(3, 2))
    admin.configs = {
        "topic": {"messages": {"retention.ms": {"value": "-1"}, "sensitive": {"value": None}}},
        "broker": {"7": {"offsets.retention.minutes": {"value": "10080"}}},
    }

    found = describe(admin, ["messages", CONSUMER_OFFSETS])

    expected = Topic("messages", "uuid", 2, 2, {"retention.ms": "-1"}, frozenset({"READ", "DESCRIBE"}))
    assert expected == found.topics["messages"]
    assert (2, 10_080) == (found.brokers, found.offsets_retention_minutes)
    assert -1 == expected.number("retention.ms")
    assert expected.number("retention.bytes") is None


def test_what_is_not_there_is_told_from_what_may_not_be_seen() -> None:
    codes = {"labels": UnknownTopicOrPartitionError.errno, "messages": TopicAuthorizationFailedError.errno}

    found = describe(Admin(codes, operations=["CREATE"]), codes)

    assert {"labels": frozenset({"CREATE"})} == found.missing
    assert {"messages"} == found.unauthorized
    assert {} == found.topics


@pytest.mark.parametrize("refusal", [TopicAuthorizationFailedError(), ClusterAuthorizationFailedError()])
def test_options_that_may_not_be_seen_are_unknown(refusal: Exception) -> None:
    admin = Admin({"messages": 0, CONSUMER_OFFSETS: 0})
    admin.configs = refusal

    found = describe(admin, ["messages", CONSUMER_OFFSETS])

    assert {} == found.topics["messages"].configs
    assert found.topics["messages"].operations is None
    assert found.offsets_retention_minutes is None


def test_a_broker_that_is_not_asked_for_positions_is_not_asked_how_long_it_keeps_them() -> None:
    admin = Admin({"messages": 0})
    admin.configs = {"topic": {}, "broker": {"7": {"offsets.retention.minutes": {"value": "10080"}}}}

    found = describe(admin, ["messages"])

    assert found.offsets_retention_minutes is None


def test_a_name_that_no_broker_takes_is_an_error() -> None:
    with pytest.raises(InvalidTopicError):
        describe(Admin({"two words": InvalidTopicError.errno}), ["two words"])
