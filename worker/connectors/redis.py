"""The centroid store in Redis or Valkey: one hash per cluster space, changed by compare-and-set alone."""

import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
import redis
from redis.backoff import ExponentialWithJitterBackoff
from redis.retry import Retry

from worker.clustering.centroids import RESET, PoolRows, SeedPool, Snapshot
from worker.clustering.online import ClusterSpace
from worker.connectors.tls import client_context, handshake_advice
from worker.errors import ConfigurationError, StoreUnavailable
from worker.records import Partition, Position
from worker.settings import RedisSettings

FORMAT = b"1"
_NOT_IN_SCRIPT = ("user executing the script", "ACL failure in script")  # a missing right, as Redis and Valkey tell it
_SEEDED, _FORGOT = 0, 2  # answers of the script below

# KEYS centroids, pool. ARGV expected revision ("" = key absent), pool revision ("" = any), then field, value, ...
_REPLACE = """
local revision = redis.call('HGET', KEYS[1], 'revision') or ''
if revision ~= ARGV[1] then return 0 end
if ARGV[2] ~= '' then
  if redis.call('HGET', KEYS[2], 'revision') ~= ARGV[2] then return 0 end
  redis.call('DEL', KEYS[2])
end
for i = 3, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
return 1
"""

# KEYS centroids, pool. ARGV new pool revision ("" = only look), model, group, how many watermarks the pool must hold,
# these as field, value, ..., then field, value, ... to write. Returns 0 if the space is seeded, 2 if the pool holds
# less than it must, and the pool's model and group if they are others.
_POOL = """
if redis.call('HEXISTS', KEYS[1], 'centers') == 1 then return 0 end
local model, group = redis.call('HGET', KEYS[2], 'model'), redis.call('HGET', KEYS[2], 'group')
if (model and model ~= ARGV[2]) or (group and group ~= ARGV[3]) then return {model, group} end
local function lower(mark, other)  -- in one life of a topic
  local offset, life = string.match(mark, '^(%d+)@(.*)$')
  local offset_of_other, life_of_other = string.match(other, '^(%d+)@(.*)$')
  return life == life_of_other and tonumber(offset) < tonumber(offset_of_other)
end
local first = 5 + 2 * tonumber(ARGV[4])
for i = 5, first - 1, 2 do
  local held = redis.call('HGET', KEYS[2], ARGV[i])
  if not held or lower(held, ARGV[i + 1]) then return 2 end
end
if ARGV[1] == '' then return 1 end
redis.call('HSETNX', KEYS[2], 'started', redis.call('TIME')[1])
redis.call('HSET', KEYS[2], 'revision', ARGV[1], 'model', ARGV[2], 'group', ARGV[3])
for i = first, #ARGV, 2 do
  local held = string.sub(ARGV[i], 1, 7) == 'offset:' and redis.call('HGET', KEYS[2], ARGV[i])
  if not (held and lower(ARGV[i + 1], held)) then redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1]) end
end
return 1
"""

_RESET = """
redis.call('DEL', KEYS[1], KEYS[2])
redis.call('HSET', KEYS[1], 'revision', ARGV[1])
return 1
"""


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


@dataclass(frozen=True, slots=True)
class RedisCentroidStore:
    """CentroidStore over core commands that Redis 7, Valkey 9 and the clouds share.

    Keys share a hash tag, so they live in one slot of a cluster: `textsieve:{<space>}:centroids` and `...:pool`.
    """

    client: redis.Redis
    name: str
    space: ClusterSpace

    @property
    def key(self) -> str:
        """The hash of centroids and watermarks."""
        return f"textsieve:{{{self.name}}}:centroids"

    @property
    def pool_key(self) -> str:
        """The hash of embeddings gathered before seeding."""
        return f"textsieve:{{{self.name}}}:pool"

    def revision(self) -> str | None:
        """See CentroidStore."""
        with _translated():
            found = cast("bytes | None", self.client.hget(self.key, "revision"))
        if found is None:
            return None
        with self._readable():
            return RESET if found.startswith(RESET.encode()) else found.decode()

    def load(self) -> Snapshot | None:
        """See CentroidStore."""
        with _translated():
            fields = cast("dict[bytes, bytes]", self.client.hgetall(self.key))
        if b"centers" not in fields:
            return None
        with self._readable():
            self._agree(fields)
            return _as_snapshot(fields)

    @contextmanager
    def _readable(self) -> Iterator[None]:
        """Whoever may write to the store may have written anything: it must not end in a stack trace."""
        try:
            yield
        except (KeyError, ValueError) as error:  # a missing field; no number, no UTF-8, not so many bytes
            raise ConfigurationError(
                f"clusters.space {self.name!r}: expected a hash as workers write it, came a damaged one"
                f" ({type(error).__name__}). Restore the store's data, choose another clusters.space, or empty this one"
                " with `python -m worker clusters reset`"
            ) from error

    def _agree(self, fields: Mapping[bytes, bytes]) -> None:
        int(fields[b"k"])  # anything but a number is damage, not another setting
        expected = {
            "format": FORMAT.decode(),
            "model": self.space.model,
            "group": self.space.group,
            "k": str(self.space.k),
        }
        for field, ours in expected.items():
            self._agree_on(field, ours=ours, theirs=fields[field.encode()].decode())

    def _agree_on(self, field: str, *, ours: str, theirs: str) -> None:
        if theirs != ours:
            raise ConfigurationError(
                f"clusters.space {self.name!r}: expected {field} {ours}, the store holds {theirs}. Choose another"
                f" clusters.space, or empty this one with `python -m worker clusters reset`"
            )

    def replace(self, snapshot: Snapshot, *, expected: str | None, pool_revision: str | None = None) -> bool:
        """See CentroidStore."""
        fields: dict[str, Any] = {
            "format": FORMAT,
            "revision": snapshot.revision,
            "version": snapshot.version,
            "model": snapshot.model,
            "group": snapshot.group,
            "learned": snapshot.learned,
            "k": snapshot.centers.shape[0],
            "dim": snapshot.centers.shape[1],
            "centers": snapshot.centers.astype("<f4").tobytes(),
            "counts": snapshot.counts.astype("<f8").tobytes(),
            **_offset_fields(snapshot.watermarks),
        }
        return self._run(_REPLACE, expected or "", pool_revision or "", fields)

    def pool(self, rows: PoolRows | None = None) -> SeedPool | None:
        """See CentroidStore."""
        fields: dict[str, Any] = {}
        confirmed = {} if rows is None else _offset_fields(rows.confirmed)
        revision = ""
        if rows is not None and rows.watermarks:
            revision = f"{np.random.default_rng().integers(2**63):016x}"
            fields = {
                f"row:{source.topic}:{source.partition}:{offset:020d}": embedding.astype("<f4").tobytes()
                for (source, offset), embedding in zip(rows.sources, rows.embeddings, strict=True)
            } | _offset_fields(rows.watermarks)
        with _translated():
            script = self.client.register_script(_POOL)
            owner = [self.space.model, self.space.group]
            arguments = [revision, *owner, len(confirmed), *_flat(confirmed), *_flat(fields)]
            answer = script(keys=[self.key, self.pool_key], args=arguments)
            if answer == _SEEDED:
                return None
            if isinstance(answer, list):
                self._refuse_pool(answer)
            stored = cast("dict[bytes, bytes]", self.client.hgetall(self.pool_key))
            seconds, micros = self.client.time()
        with self._readable():
            return replace(_as_pool(stored, now=seconds + micros / 1e6), forgot=answer == _FORGOT)

    def _refuse_pool(self, owner: list[bytes | None]) -> None:
        """Rows of another encoder would be seeded with ours, rows of another group counted in our clusters."""
        ours = {"model": self.space.model, "group": self.space.group}
        for field, theirs in zip(ours, owner, strict=True):
            self._agree_on(field, ours=ours[field], theirs=(theirs or b"").decode("utf-8", "replace"))

    def reset(self) -> None:
        """Empty the space on purpose; a marker keeps workers from restoring it from their copies."""
        with _translated():
            self.client.register_script(_RESET)(keys=[self.key, self.pool_key], args=[RESET])

    def _run(self, script: str, expected: str, pool_revision: str, fields: Mapping[str, Any]) -> bool:
        with _translated():
            done = self.client.register_script(script)(
                keys=[self.key, self.pool_key], args=[expected, pool_revision, *_flat(fields)]
            )
        return bool(done)


def check_memory_policy(client: redis.Redis) -> str | None:
    """The eviction policy if it may evict centroids (allkeys-*), else None.

    Raises:
        StoreUnavailable: the store does not answer.
    """
    with _translated():
        policy = str(client.info("memory").get("maxmemory_policy", "noeviction"))
    return policy if policy.startswith("allkeys") else None


@contextmanager
def _translated() -> Iterator[None]:
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


def _flat(fields: Mapping[str, Any]) -> list[Any]:
    return [part for pair in fields.items() for part in pair]


def _offset_fields(watermarks: Mapping[Partition, Position]) -> dict[str, str]:
    return {
        f"offset:{topic}:{partition}": f"{mark.offset}@{mark.topic_id}"
        for (topic, partition), mark in watermarks.items()
    }


def _watermarks(fields: Mapping[bytes, bytes]) -> dict[Partition, Position]:
    marks = {}
    for name, value in fields.items():
        if name.startswith(b"offset:"):
            _, topic, partition = name.decode().split(":")  # topic names hold no colon
            offset, _, topic_id = value.decode().partition("@")
            marks[Partition(topic, int(partition))] = Position(int(offset), topic_id)
    return marks


def _as_snapshot(fields: Mapping[bytes, bytes]) -> Snapshot:
    k, dim = int(fields[b"k"]), int(fields[b"dim"])
    centers = np.frombuffer(fields[b"centers"], "<f4").reshape(k, dim)
    counts = np.frombuffer(fields[b"counts"], "<f8").reshape(k)
    if dim < 1:
        raise ValueError(f"dim {dim}")
    if not (np.isfinite(centers).all() and np.isfinite(counts).all() and (counts >= 0).all()):
        raise ValueError("centers or counts that are no numbers, or negative counts")
    return Snapshot(
        revision=fields[b"revision"].decode(),
        version=int(fields[b"version"]),
        model=fields[b"model"].decode(),
        group=fields[b"group"].decode(),
        learned=int(fields[b"learned"]),
        centers=centers,
        counts=counts,
        watermarks=_watermarks(fields),
    )


def _as_pool(fields: Mapping[bytes, bytes], *, now: float) -> SeedPool:
    names = sorted(name for name in fields if name.startswith(b"row:"))
    sources = []
    for name in names:
        _, topic, partition, offset = name.decode().split(":")
        sources.append((Partition(topic, int(partition)), int(offset)))
    if len({len(fields[name]) for name in names}) > 1:
        raise ValueError("rows of different lengths")
    embeddings = np.frombuffer(b"".join(fields[name] for name in names), "<f4")
    if not np.isfinite(embeddings).all():
        raise ValueError("not embeddings")
    return SeedPool(
        revision=fields.get(b"revision", b"").decode(),
        sources=tuple(sources),
        embeddings=embeddings.reshape(len(names), -1) if names else np.empty((0, 0), np.float32),
        watermarks=_watermarks(fields),
        age_seconds=now - float(fields.get(b"started", now)),
    )
