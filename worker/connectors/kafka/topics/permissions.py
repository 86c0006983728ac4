"""Rights beside those to topics: asked for at the start, not missed in the middle of a batch."""

from contextlib import suppress
from typing import Any

from kafka.errors import (
    CoordinatorLoadInProgressError,
    CoordinatorNotAvailableError,
    GroupAuthorizationFailedError,
    IncompatibleBrokerVersion,
    RetriableError,
    TransactionalIdAuthorizationFailedError,
    TransactionalIdNotFoundError,
)

from textsieve.kafka_client.retries import with_retries
from textsieve.worker.connectors.kafka.topics import admin_commands as commands
from textsieve.worker.connectors.kafka.topics import description
from textsieve.worker.errors import BrokerUnavailable, ConfigurationError
from textsieve.worker.settings import KafkaSettings

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
        found = with_retries(
            lambda: admin.describe_groups([kafka.group_id]), seconds=description.RETRY_SECONDS, worth=_NOT_YET
        )[kafka.group_id]
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


def require_transactions(admin: Any, kafka: KafkaSettings) -> None:
    """Refuse to start where transactions of this group's workers may not be, or where the cluster has none.

    Args:
        admin: kafka-python's admin client.
        kafka: names the group.

    Raises:
        BrokerUnavailable: no broker has come to coordinate transactions.
        ConfigurationError: says the command.
        KafkaError: the broker refused for another reason.
    """
    with suppress(TransactionalIdNotFoundError):  # as expected: nobody has this id
        try:
            with_retries(
                lambda: admin.describe_transactions([f"{kafka.group_id}-check"]),
                seconds=description.RETRY_SECONDS,
                worth=_NOT_YET,
            )
        except TransactionalIdAuthorizationFailedError as error:
            ids = f"--transactional-id {kafka.group_id}- --resource-pattern-type prefixed"
            raise ConfigurationError(
                f"delivery.guarantee: expected the right to Write with transactional ids that begin with"
                f" {kafka.group_id}-, the broker does not grant it to {kafka.sasl_username or 'this worker'}. Grant it,"
                " or set delivery.guarantee=at_least_once:\n"
                + commands.grant(kafka.bootstrap_servers[0], kafka.sasl_username, "Write", ids)
            ) from error
        except _NOT_YET as error:
            raise BrokerUnavailable(
                "delivery.guarantee: expected a broker that coordinates transactions, none has come. A cluster with"
                " fewer brokers than transaction.state.log.replication.factor (3 by default) has none: lower it in its"
                " server.properties, or set delivery.guarantee=at_least_once"
            ) from error
        except (RetriableError, IncompatibleBrokerVersion):  # it is away for the moment, or older than 3.0
            return
