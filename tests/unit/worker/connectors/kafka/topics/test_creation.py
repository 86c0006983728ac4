"""Output topics that are missing are made to keep what they are given."""

from typing import Any

import pytest
from kafka.errors import PolicyViolationError, TopicAlreadyExistsError, TopicAuthorizationFailedError

from tests.unit.worker.connectors.kafka.topics.clusters import INPUT, LETTERS, OUTPUT, settings, topic
from textsieve.worker.connectors.kafka.topics.creation import create_outputs
from textsieve.worker.connectors.kafka.topics.description import Cluster
from textsieve.worker.errors import ConfigurationError
from textsieve.worker.settings import DeliverySettings, OutputSettings


class Admin:
    """Remembers what was created."""

    def __init__(self, *refusals: Exception) -> None:
        self.refusals = list(refusals)
        self.created: dict[str, Any] = {}

    def create_topics(self, topics: dict[str, Any]) -> None:
        if self.refusals:
            raise self.refusals.pop(0)
        self.created |= topics

    def wait_for_topics(self, names: list[str]) -> None:
        self.waited = names


def create(admin: Admin, *, brokers: int = 3, replicas: int = 3, output=None, delivery=None, missing=(OUTPUT, LETTERS)):
    found = Cluster(brokers, {INPUT: topic(INPUT, replicas=replicas)}, missing=dict.fromkeys(missing))
    create_outputs(admin, found, settings(), output or OutputSettings(), delivery or DeliverySettings(), partitions=6)
    return admin.created


@pytest.mark.parametrize(
    ("brokers", "input_replicas", "replicas", "in_sync"),
    [(1, 1, 1, "1"), (2, 1, 2, "1"), (3, 1, 3, "2"), (5, 3, 3, "2"), (5, 5, 5, "2"), (3, 5, 3, "2")],
)
def test_outputs_outlive_a_broker_where_there_are_others(brokers, input_replicas, replicas, in_sync) -> None:
    created = create(Admin(), brokers=brokers, replicas=input_replicas)

    assert {OUTPUT, LETTERS} == set(created)
    for shape in created.values():
        assert (6, replicas) == (shape["num_partitions"], shape["replication_factor"])
        assert in_sync == shape["configs"]["min.insync.replicas"]
        assert "false" == shape["configs"]["unclean.leader.election.enable"]
        assert "delete" == shape["configs"]["cleanup.policy"]
        assert 1_000_000 < int(shape["configs"]["max.message.bytes"])


@pytest.mark.parametrize(("timestamp", "kind"), [("input", "CreateTime"), ("now", "LogAppendTime")])
def test_the_broker_stamps_answers_where_they_are_to_have_the_present(timestamp, kind) -> None:
    created = create(Admin(), output=OutputSettings(timestamp=timestamp))

    assert {kind} == {shape["configs"]["message.timestamp.type"] for shape in created.values()}


def test_only_what_is_missing_is_created() -> None:
    assert {LETTERS} == set(create(Admin(), missing=(LETTERS,)))


def test_a_topic_that_another_worker_created_meanwhile_is_used() -> None:
    admin = Admin(TopicAlreadyExistsError())

    assert {LETTERS} == set(create(admin))


def test_a_service_that_lets_nobody_choose_gets_what_is_needed() -> None:
    created = create(Admin(PolicyViolationError()), missing=(OUTPUT,))

    assert {"max.message.bytes"} == set(created[OUTPUT]["configs"])


def test_without_the_right_to_create_the_command_is_told() -> None:
    with pytest.raises(
        ConfigurationError, match=r"does not grant the right to create it(.|\n)*--create --topic labels"
    ):
        create(Admin(TopicAuthorizationFailedError()))


def test_topics_are_not_created_where_that_is_not_wanted() -> None:
    with pytest.raises(ConfigurationError, match=r"delivery\.create_topics is false"):
        create(Admin(), delivery=DeliverySettings(create_topics=False))
