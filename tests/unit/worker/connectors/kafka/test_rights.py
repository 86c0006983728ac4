"""Rights beside those to topics are asked for at the start."""

from typing import Any

import pytest
from kafka.errors import GroupAuthorizationFailedError

from tests.unit.worker.connectors.kafka.clusters import settings
from worker.connectors.kafka.rights import require_group
from worker.errors import ConfigurationError


class Admin:
    """Says one thing about every group."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def describe_groups(self, groups: list[str]) -> dict[str, Any]:
        if isinstance(self.answer, Exception):
            raise self.answer
        return dict.fromkeys(groups, self.answer)


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
