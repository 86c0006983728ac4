"""Rights beside those to topics are asked for at the start."""

from typing import Any

import pytest
from kafka.errors import (
    CoordinatorNotAvailableError,
    GroupAuthorizationFailedError,
    KafkaTimeoutError,
    TransactionalIdAuthorizationFailedError,
    TransactionalIdNotFoundError,
)

from tests.unit.worker.connectors.kafka.topics.clusters import settings
from textsieve.worker.connectors.kafka.topics import description
from textsieve.worker.connectors.kafka.topics.permissions import require_group, require_transactions
from textsieve.worker.errors import BrokerUnavailable, ConfigurationError


class Admin:
    """Says one thing about every group and every transactional id."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def describe_groups(self, groups: list[str]) -> dict[str, Any]:
        if isinstance(self.answer, Exception):
            raise self.answer
        return dict.fromkeys(groups, self.answer)

    def describe_transactions(self, ids: list[str]) -> dict[str, Any]:
        assert ["textsieve-check"] == ids
        return self.describe_groups(ids)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(description, "RETRY_SECONDS", 0.02)


@pytest.mark.parametrize(
    "answer",
    [
        GroupAuthorizationFailedError(),  # of whoever says where the coordinator is
        {"error": str(GroupAuthorizationFailedError()), "authorized_operations": None},
        {"error": None, "authorized_operations": ["DESCRIBE"]},
    ],
)
def test_a_group_that_the_user_may_not_join_is_refused_with_the_command(answer: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"kafka\.group_id(.|\n)*--operation Read --group textsieve"):
        require_group(Admin(answer), settings())


@pytest.mark.parametrize(
    "answer",
    [
        {"error": None, "authorized_operations": ["READ", "DESCRIBE"]},
        {"error": None, "authorized_operations": None},  # a broker that does not say
        {"error": "[Error 69] GroupIdNotFoundError", "authorized_operations": None},  # nobody was in it yet
    ],
)
def test_a_group_that_the_user_may_join_passes(answer: Any) -> None:
    require_group(Admin(answer), settings())


def test_a_coordinator_that_is_away_for_the_moment_hinders_no_start() -> None:
    require_group(Admin(KafkaTimeoutError()), settings())
    require_transactions(Admin(KafkaTimeoutError()), settings())


@pytest.mark.parametrize("answer", [TransactionalIdNotFoundError(), object()])
def test_ids_that_the_user_may_have_pass(answer: Any) -> None:
    require_transactions(Admin(answer), settings())


def test_ids_that_the_user_may_not_have_are_refused_with_the_command() -> None:
    command = r"--operation Write --transactional-id textsieve- --resource-pattern-type prefixed"

    with pytest.raises(ConfigurationError, match=rf"delivery\.guarantee(.|\n)*{command}"):
        require_transactions(Admin(TransactionalIdAuthorizationFailedError()), settings())


def test_a_cluster_that_has_no_coordinator_of_transactions_is_named() -> None:
    with pytest.raises(BrokerUnavailable, match=r"transaction\.state\.log\.replication\.factor"):
        require_transactions(Admin(CoordinatorNotAvailableError()), settings())
