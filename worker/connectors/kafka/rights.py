"""Rights beside those to topics: asked for at the start, not missed in the middle of a batch."""

from typing import Any

from kafka.errors import (
    CoordinatorLoadInProgressError,
    CoordinatorNotAvailableError,
    GroupAuthorizationFailedError,
    RetriableError,
)

from worker.connectors.kafka import commands
from worker.connectors.kafka.describing import asked
from worker.errors import ConfigurationError
from worker.settings import KafkaSettings

_NOT_YET = (CoordinatorLoadInProgressError, CoordinatorNotAvailableError)  # as in the first seconds of a cluster


def require_group(admin: Any, kafka: KafkaSettings) -> None:
    """Refuse to start without the right to be a member of the group.

    Args:
        admin: kafka-python's admin client.
        kafka: names the group.

    Raises:
        ConfigurationError: says the command.
        KafkaError: the broker refused for another reason.
    """
    try:
        found = asked(lambda: admin.describe_groups([kafka.group_id]), worth=_NOT_YET)[kafka.group_id]
    except GroupAuthorizationFailedError:
        found = {"error": GroupAuthorizationFailedError.__name__}
    except RetriableError:  # the one broker that could say is away: whoever joins will hear of it
        return
    operations = found.get("authorized_operations")
    is_refused = GroupAuthorizationFailedError.__name__ in (found["error"] or "")
    if is_refused or (operations and "READ" not in operations):  # brokers before 2.3 say nothing of operations
        raise ConfigurationError(
            f"kafka.group_id: expected the right to Read the group {kafka.group_id}, the broker does not grant it to"
            f" {kafka.sasl_username or 'this worker'}. Grant it, and take away a rule that denies it:\n"
            + commands.grant(kafka.bootstrap_servers[0], kafka.sasl_username, "Read", f"--group {kafka.group_id}")
        )
