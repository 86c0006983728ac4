"""The client of Redis or Valkey: how it connects, and its errors in our names."""

import re
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Self

import redis
from pydantic import SecretStr
from redis.backoff import ExponentialWithJitterBackoff
from redis.cluster import ClusterNode, RedisCluster
from redis.exceptions import MovedError, RedisClusterException
from redis.retry import Retry
from redis.sentinel import MasterNotFoundError, Sentinel

from textsieve.worker.connectors.tls import client_context, handshake_advice
from textsieve.worker.errors import ConfigurationError, StoreUnavailable
from textsieve.worker.settings import RedisSettings


class PatientCluster:
    """The client of a cluster, which asks for its nodes when it is first used, and again until one of them answers."""

    def __init__(self, connect: Callable[[], RedisCluster]) -> None:
        self._connect = connect
        self._connected: RedisCluster | None = None

    def __getattr__(self, name: str) -> Any:
        if self._connected is None:
            self._connected = self._connect()
        return getattr(self._connected, name)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections, if there are any."""
        if self._connected is not None:
            self._connected.close()


Client = redis.Redis | PatientCluster

_NOT_IN_SCRIPT = ("user executing the script", "ACL failure in script")  # a missing right, as Redis and Valkey tell it

_CLIENT = re.compile(r"<redis\.client\.Redis\(.*?\)>(?= - |, |$)")  # as errors of sentinels show one, with all options
_OTHER_TOPOLOGY: tuple[tuple[type[Exception], str, str, str], ...] = (  # error, its words, what is there, its name
    (MovedError, "", "a node of a cluster", "cluster"),
    (
        RedisClusterException,
        "Cluster mode is not enabled",
        "no node of a cluster, or one that may not be asked",
        "single or sentinel",
    ),
    (redis.ResponseError, "unknown command 'SENTINEL'", "no sentinel", "single or cluster"),
    (redis.ResponseError, "unknown command 'HGET", "a sentinel", "sentinel"),
    (redis.ResponseError, "unknown command 'EVAL", "a sentinel", "sentinel"),
)


def connect(settings: RedisSettings, *, timeout_seconds: float | None = None, retries: int | None = None) -> Client:
    """A client with short patience; nothing is sent until it is used.

    Args:
        settings: of the store.
        timeout_seconds: for each answer, where that is to be less than the settings allow.
        retries: instead of `settings.retries`.

    Raises:
        ConfigurationError: the URL or a file of the credentials cannot be used.
    """
    timeout = min(settings.timeout_seconds, timeout_seconds or settings.timeout_seconds)
    patience: dict[str, Any] = {"socket_timeout": timeout, "socket_connect_timeout": timeout}
    secure = settings.url.startswith("rediss://")
    tls: dict[str, Any] = {"ssl": True, **_tls_options(settings)} if secure else {}
    login: dict[str, Any] = {"username": settings.username, "password": _secret(settings.password)}
    retry = Retry(ExponentialWithJitterBackoff(base=0.05, cap=0.5), settings.retries if retries is None else retries)
    if settings.topology == "cluster":
        node: Any = ClusterNode  # the library left it untyped, as it did Sentinel
        nodes = [node(host, port) for host, port in settings.addresses]
        return PatientCluster(lambda: RedisCluster(startup_nodes=nodes, retry=retry, **patience, **login, **tls))
    again: dict[str, Any] = {"retry": retry, "retry_on_error": [redis.ConnectionError, redis.TimeoutError]}
    if settings.topology == "sentinel":
        own = {"username": settings.sentinel_username, "password": _secret(settings.sentinel_password)}
        sentinel: Any = Sentinel
        sentinels = sentinel(list(settings.addresses), sentinel_kwargs={**patience, **own, **tls})
        service = settings.sentinel_service or ""  # the settings have seen to it
        primary: redis.Redis = sentinels.master_for(service, db=settings.database, **patience, **again, **login, **tls)
        return primary
    try:
        tls.pop("ssl", None)  # the URL says it
        return redis.Redis.from_url(settings.url, **patience, **again, **login, **tls)
    except ValueError as error:
        raise ConfigurationError(f"redis.url: expected redis://host:port/db or rediss://...; {error}") from None


def _secret(value: SecretStr | None) -> str | None:
    return None if value is None else value.get_secret_value()


def _tls_options(settings: RedisSettings) -> dict[str, Any]:
    password = "" if settings.ssl_password is None else settings.ssl_password.get_secret_value()
    files = {"cafile": settings.ssl_cafile, "certfile": settings.ssl_certfile, "keyfile": settings.ssl_keyfile}
    client_context("redis", **files, password=password)  # names a file that does not serve; the library makes its own
    return {
        "ssl_cert_reqs": "required",
        "ssl_check_hostname": True,
        "ssl_ca_certs": None if settings.ssl_cafile is None else str(settings.ssl_cafile),
        "ssl_certfile": None if settings.ssl_certfile is None else str(settings.ssl_certfile),
        "ssl_keyfile": None if settings.ssl_keyfile is None else str(settings.ssl_keyfile),
        "ssl_password": password,  # None would let OpenSSL ask the terminal
        "ssl_min_version": ssl.TLSVersion.TLSv1_2,
    }


def check_memory_policy(client: Client) -> str | None:
    """The eviction policy if it may evict centroids (allkeys-*), else None.

    Raises:
        StoreUnavailable: the store does not answer.
    """
    with translated():
        if isinstance(client, PatientCluster):  # any of them may have our slot tomorrow
            found = list(client.info("memory", target_nodes=RedisCluster.PRIMARIES).values())
        else:
            found = [client.info("memory")]
    policies = [str(memory.get("maxmemory_policy", "noeviction")) for memory in found]
    return next((policy for policy in policies if policy.startswith("allkeys")), None)


@contextmanager
def translated() -> Iterator[None]:
    """Give the client's errors our names."""
    try:
        yield
    except (redis.RedisError, RedisClusterException) as error:  # the second is not one of the first
        reason = _plain(error)
        _refuse_login(error, reason)
        for kind, words, found, topology in _OTHER_TOPOLOGY:
            if isinstance(error, kind) and words in reason:
                raise ConfigurationError(
                    f"redis.topology: expected what redis.url names, got {found} ({reason}); set it to {topology},"
                    " or name another server"
                ) from None
        if isinstance(error, redis.exceptions.NoPermissionError) or any(words in reason for words in _NOT_IN_SCRIPT):
            raise ConfigurationError(
                f"redis: the ACL user may not do this ({reason}); docs/security.md has the rule that is needed"
            ) from None
        if "WRONGTYPE" in reason:  # waiting would not help
            raise ConfigurationError(
                f"clusters.space: expected hashes at its keys, got something else ({reason}). Choose another space, or"
                " empty this one with `python -m worker clusters reset`"
            ) from None
        advice = handshake_advice("redis", reason) or (
            "redis.sentinel_service, redis.url, redis.nodes"
            if isinstance(error, MasterNotFoundError)
            else "redis.url, redis.timeout_seconds"
        )
        raise StoreUnavailable(f"redis: {type(error).__name__}: {reason} ({advice})") from error


def _refuse_login(error: Exception, reason: str) -> None:
    """Raise if the login is wrong: a cluster tells it as the cause of another error, sentinels in its words."""
    if isinstance(error, MasterNotFoundError) and "AuthenticationError" in reason:
        raise ConfigurationError(
            f"redis: a sentinel refused the login ({reason}); check redis.sentinel_username, redis.sentinel_password"
        ) from None
    if isinstance(error, redis.AuthenticationError) or isinstance(error.__cause__, redis.AuthenticationError):
        raise ConfigurationError(
            f"redis: the store refused the login ({_plain(error)}); check redis.username, redis.password"
        ) from None


def _plain(error: Exception) -> str:
    text = str(error).splitlines()[0] if str(error) else ""
    return _CLIENT.sub("the sentinel", text)[:200]
