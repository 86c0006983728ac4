"""What every Kafka client of a worker shares: connection options and the names of errors."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from kafka import errors

from textsieve.kafka_client.bootstrap import patient_client
from textsieve.worker.connectors.kafka.client.connection_errors import REFUSED, ConnectionErrors
from textsieve.worker.connectors.kafka.client.oauth import token_provider
from textsieve.worker.connectors.kafka.client.patches import patch_client_library
from textsieve.worker.connectors.kafka.group.static_membership import raise_fenced
from textsieve.worker.connectors.tls import client_context, handshake_advice
from textsieve.worker.errors import BrokerUnavailable, ConfigurationError, OwnershipLost, WorkerStopped
from textsieve.worker.settings import KafkaSettings

BOOTSTRAP_TIMEOUT_MS = 10_000  # long enough for a broker that is starting, short enough to say what is wrong
METADATA_AGE_MS = (
    30_000  # how long a topic that was deleted or made anew may go unnoticed: requests name topics, not ids
)
REQUEST_TIMEOUT_MS = 10_000  # for metadata and offsets; sends have their own, tied to the session

_LOST = (
    errors.CommitFailedError,
    errors.IllegalGenerationError,
    errors.UnknownMemberIdError,
    errors.RebalanceInProgressError,
    errors.ProducerFencedError,
)
_WHERE = "kafka.bootstrap_servers"
_NOBODY = f"nobody listens there: start a broker, as `textsieve up` does on this machine, or set {_WHERE}"
_UNREADABLE = (errors.CorruptRecordError, errors.UnsupportedCodecError)


def connection_options(settings: KafkaSettings) -> dict[str, Any]:
    """Keyword arguments that every kafka-python client understands.

    Raises:
        ConfigurationError: credentials are missing, or a file of theirs cannot be used.
    """
    patch_client_library()
    options: dict[str, Any] = {
        "bootstrap_servers": list(settings.bootstrap_servers),
        "bootstrap_timeout_ms": BOOTSTRAP_TIMEOUT_MS,
        "client_id": "textsieve",
        "kafka_client": patient_client,
        "security_protocol": settings.security_protocol,
        "reconnect_backoff_max_ms": 2_000,
    }
    if settings.security_protocol in ("SSL", "SASL_SSL"):
        password = settings.ssl_password
        options["ssl_context"] = client_context(
            "kafka",
            cafile=settings.ssl_cafile,
            certfile=settings.ssl_certfile,
            keyfile=settings.ssl_keyfile,
            password=None if password is None else password.get_secret_value(),
        )
    if settings.security_protocol.startswith("SASL_"):
        options |= _sasl_options(settings)
    return options


def _sasl_options(settings: KafkaSettings) -> dict[str, Any]:
    if settings.sasl_mechanism is None:
        raise ConfigurationError(
            "kafka.sasl_mechanism: expected a mechanism with security_protocol SASL_*, got nothing"
        )
    if settings.sasl_mechanism == "OAUTHBEARER":
        return {"sasl_mechanism": "OAUTHBEARER", "sasl_oauth_token_provider": token_provider(settings)}
    if settings.sasl_username is None or settings.sasl_password is None:
        raise ConfigurationError(
            f"kafka.sasl_username, kafka.sasl_password: expected both for {settings.sasl_mechanism}, got less"
        )
    return {
        "sasl_mechanism": settings.sasl_mechanism,
        "sasl_plain_username": settings.sasl_username,
        "sasl_plain_password": settings.sasl_password.get_secret_value(),
    }


@contextmanager
def connecting(doing: str) -> Iterator[None]:
    """As `translated`, around the construction of a client: its timeout says why it could not connect.

    The library tries again until its time is up, and raises a timeout that has forgotten what stood in the way.
    """
    with ConnectionErrors.captured() as failures, translated(doing):
        try:
            yield
        except errors.KafkaTimeoutError as error:
            failure = failures.last
            if failure is None:
                raise
            if isinstance(failure, (*REFUSED, ConfigurationError)):
                raise failure from error
            advice = handshake_advice("kafka", str(failure)) or (_NOBODY if "ECONNREFUSED" in str(failure) else _WHERE)
            raise BrokerUnavailable(f"{doing}: {failure} ({advice})") from error


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Give the library's errors our names; `doing` says what was tried."""
    try:
        yield
    except errors.FencedInstanceIdError as error:
        raise_fenced(doing, error)
    except _LOST as error:
        raise OwnershipLost(f"{doing}: the group refused this member ({type(error).__name__})") from error
    except REFUSED as error:
        raise ConfigurationError(
            f"{doing}: the broker refused it ({type(error).__name__}); check kafka.sasl_* and ACLs"
        ) from error
    except _UNREADABLE as error:  # not tried again at once: this client's next poll of such a batch does not return
        raise WorkerStopped(
            f"{doing}: expected records that can be read, got {error}. Nothing was skipped; look at the topic, or move"
            " the group past that offset, then start again"
        ) from error
    except errors.KafkaConfigurationError as error:
        raise ConfigurationError(f"{doing}: {error}") from error
    except (errors.KafkaError, OSError) as error:
        raise BrokerUnavailable(f"{doing}: {type(error).__name__} ({_WHERE})") from error


def offsets_of(ask: Callable[..., dict[Any, int]], partitions: Sequence[Any], *, timeout_ms: int) -> dict[Any, int]:
    """What a client's `beginning_offsets` or `end_offsets` answers, for all of the partitions.

    Raises:
        KafkaError: one has no leader: the library asks for the others alone, then misses its answer.
    """
    try:
        return ask(partitions, timeout_ms=timeout_ms)
    except KeyError as error:
        raise errors.LeaderNotAvailableError(f"nobody leads {error}") from error
