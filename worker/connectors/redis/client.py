"""The client of Redis or Valkey: how it connects, and its errors in our names."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import redis
from redis.backoff import ExponentialWithJitterBackoff
from redis.retry import Retry

from worker.connectors.tls import client_context, handshake_advice
from worker.errors import ConfigurationError, StoreUnavailable
from worker.settings import RedisSettings

_NOT_IN_SCRIPT = ("user executing the script", "ACL failure in script")  # a missing right, as Redis and Valkey tell it


def connect(settings: RedisSettings) -> redis.Redis:
    """A client with short patience; nothing is sent until it is used.

    Raises:
        ConfigurationError: the URL or a file of the credentials cannot be used.
    """
    tls = _tls_options(settings) if settings.url.startswith("rediss://") else {}
    try:
        return redis.Redis.from_url(
            settings.url,
            username=settings.username,
            password=None if settings.password is None else settings.password.get_secret_value(),
            socket_timeout=settings.timeout_seconds,
            socket_connect_timeout=settings.timeout_seconds,
            retry=Retry(ExponentialWithJitterBackoff(base=0.05, cap=0.5), settings.retries),
            retry_on_error=[redis.ConnectionError, redis.TimeoutError],
            **tls,
        )
    except ValueError as error:
        raise ConfigurationError(f"redis.url: expected redis://host:port/db or rediss://...; {error}") from None


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


def check_memory_policy(client: redis.Redis) -> str | None:
    """The eviction policy if it may evict centroids (allkeys-*), else None.

    Raises:
        StoreUnavailable: the store does not answer.
    """
    with translated():
        policy = str(client.info("memory").get("maxmemory_policy", "noeviction"))
    return policy if policy.startswith("allkeys") else None


@contextmanager
def translated() -> Iterator[None]:
    """Give the client's errors our names."""
    try:
        yield
    except redis.AuthenticationError as error:
        raise ConfigurationError(
            f"redis: the store refused the login ({_plain(error)}); check redis.username, redis.password"
        ) from None
    except redis.RedisError as error:
        reason = _plain(error)
        if isinstance(error, redis.exceptions.NoPermissionError) or any(words in reason for words in _NOT_IN_SCRIPT):
            raise ConfigurationError(
                f"redis: the ACL user may not do this ({reason}); docs/security.md has the rule that is needed"
            ) from None
        if "WRONGTYPE" in reason:  # waiting would not help
            raise ConfigurationError(
                f"clusters.space: expected hashes at its keys, came something else ({reason}). Choose another space, or"
                " empty this one with `python -m worker clusters reset`"
            ) from None
        advice = handshake_advice("redis", reason) or "redis.url, redis.timeout_seconds"
        raise StoreUnavailable(f"redis: {type(error).__name__}: {reason} ({advice})") from error


def _plain(error: Exception) -> str:
    return str(error).splitlines()[0][:200] if str(error) else ""
