"""Reads a cluster space from the store, as an outside observer."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast

import numpy as np
import redis

from textsieve.embedded.errors import DemoFailed

TIMEOUT_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class SpaceState:
    """What the store knows about a cluster space; nothing before it is seeded."""

    learned: int = 0  # results counted in it
    clusters: int = 0  # centroids that hold any weight
    version: int = 0  # how often it was written


def read_space(redis_url: str, name: str) -> SpaceState:
    """Read the hash of one cluster space.

    Raises:
        DemoFailed: The store does not answer, or its URL is none.
    """
    with _connected(redis_url) as client:
        fields = client.hmget(_key(name, "centroids"), ["learned", "version", "counts"])
    learned, version, counts = cast("list[bytes | None]", fields)
    if learned is None or version is None or counts is None:
        return SpaceState()
    weights = np.frombuffer(counts, "<f8")  # [k]
    return SpaceState(learned=int(learned), clusters=int(np.count_nonzero(weights)), version=int(version))


def delete_space(redis_url: str, name: str) -> None:
    """Remove everything of one cluster space.

    Raises:
        DemoFailed: The store does not answer, or its URL is none.
    """
    with _connected(redis_url) as client:
        client.delete(_key(name, "centroids"), _key(name, "pool"))


@contextmanager
def _connected(redis_url: str) -> Iterator[redis.Redis]:
    try:
        with redis.Redis.from_url(redis_url, socket_timeout=TIMEOUT_SECONDS) as client:
            yield client
    except ValueError as error:  # of from_url: not a URL of Redis
        raise DemoFailed(f"--redis-url: expected redis://host:port/db, got {redis_url}") from error
    except redis.RedisError as error:
        raise DemoFailed(f"expected a Redis at {redis_url}, got {error!r}") from error


def _key(name: str, what: str) -> str:
    return f"textsieve:{{{name}}}:{what}"
