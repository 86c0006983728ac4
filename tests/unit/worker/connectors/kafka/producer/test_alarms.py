"""Alarms on their way out, as far as no broker is needed."""

from typing import Any

import pytest
from kafka.errors import TopicAlreadyExistsError, TopicAuthorizationFailedError, UnknownTopicOrPartitionError

from textsieve.worker.connectors.kafka.producer.alarms import alarm_key, create_missing, missing_for_alarms
from textsieve.worker.connectors.kafka.topics.description import Cluster, Topic


class Admin:
    """Answers for one topic as kafka-python's does, and grants the right to create where `refusal` is None."""

    def __init__(self, code: int, refusal: Exception | None = None) -> None:
        self.code, self.refusal = code, refusal
        self.created: list[str] = []

    def describe_cluster(self) -> dict[str, Any]:
        return {"brokers": [{"broker_id": 1}]}

    def describe_topics(self, names: list[str]) -> list[dict[str, Any]]:
        return [{"name": name, "error_code": self.code, "topic_id": "id", "partitions": []} for name in names]

    def describe_configs(self, _resources: object, *, config_filter: str) -> dict[str, Any]:
        return {"topic": {}, "filter": config_filter}

    def create_topics(self, topics: dict[str, Any]) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.created += topics


def test_an_alarm_goes_out_under_its_id_and_a_damaged_one_not_at_all() -> None:
    assert [b"a1-7", None, None] == [alarm_key(alarm) for alarm in (b'{"id": "a1-7", "size": 3}', b"{", b'{"size": 3}')]


def test_a_topic_of_alarms_that_is_there_needs_no_right_to_create() -> None:
    create_missing(Admin(0, TopicAuthorizationFailedError()), "alarms")


def test_a_missing_topic_of_alarms_is_made() -> None:
    admin = Admin(UnknownTopicOrPartitionError.errno)

    create_missing(admin, "alarms")

    assert ["alarms"] == admin.created


def test_a_topic_of_alarms_that_another_worker_just_made_will_do() -> None:
    create_missing(Admin(UnknownTopicOrPartitionError.errno, TopicAlreadyExistsError()), "alarms")


def test_a_topic_of_alarms_that_may_not_be_seen_is_not_made() -> None:
    admin = Admin(TopicAuthorizationFailedError.errno)

    create_missing(admin, "alarms")

    assert [] == admin.created


def test_a_missing_topic_that_may_not_be_made_is_told() -> None:
    with pytest.raises(TopicAuthorizationFailedError):
        create_missing(Admin(UnknownTopicOrPartitionError.errno, TopicAuthorizationFailedError()), "alarms")


def alarms(*operations: str) -> Topic:
    return Topic("alarms", "id", 1, 1, operations=frozenset(operations) or None)


@pytest.mark.parametrize(
    ("found", "create", "words"),
    [
        (Cluster(1, {}, missing={"alarms": None}), False, "not there and delivery.create_topics is false"),
        (Cluster(1, {}, unauthorized=frozenset({"alarms"})), True, "does not let the worker see it"),
        (Cluster(1, {"alarms": alarms("READ", "DESCRIBE")}), True, "does not grant Write"),
    ],
)
def test_what_would_keep_alarms_from_their_topic_is_told(found: Cluster, words: str, *, create: bool) -> None:
    assert words in (missing_for_alarms(found, "alarms", create_topic=create) or "")


@pytest.mark.parametrize(
    ("found", "create"),
    [
        (Cluster(1, {}, missing={"alarms": None}), True),
        (Cluster(1, {"alarms": alarms("WRITE")}), False),
        (Cluster(1, {"alarms": alarms()}), False),
    ],
)
def test_a_topic_that_alarms_can_reach_is_no_finding(found: Cluster, *, create: bool) -> None:
    assert missing_for_alarms(found, "alarms", create_topic=create) is None
