"""The centroid store in Redis or Valkey: one hash per cluster space, changed by compare-and-set alone."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np

from textsieve.worker.clustering.centroids import RESET, PoolRows, SeedPool, Snapshot
from textsieve.worker.clustering.space import ClusterSpace
from textsieve.worker.connectors.redis.client import Client, translated
from textsieve.worker.connectors.redis.hashes import as_pool, as_snapshot, offset_fields
from textsieve.worker.connectors.redis.scripts import (
    LOST_ROWS,
    NOW_SCRIPT,
    POOL_SCRIPT,
    REPLACE_SCRIPT,
    RESET_SCRIPT,
    SEEDED,
)
from textsieve.worker.errors import ConfigurationError

FORMAT = b"1"


@dataclass(frozen=True, slots=True)
class RedisCentroidStore:
    """CentroidStore over core commands that Redis 7, Valkey 9 and the clouds share.

    Keys share a hash tag, so they live in one slot of a cluster: `textsieve:{<space>}:centroids` and `...:pool`.
    """

    client: Client
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
        with translated():
            found = cast("bytes | None", self.client.hget(self.key, "revision"))
        if found is None:
            return None
        with self._readable():
            return RESET if found.startswith(RESET.encode()) else found.decode()

    def load(self) -> Snapshot | None:
        """See CentroidStore."""
        return self._load(self._agree)

    def peek(self) -> Snapshot | None:
        """As `load`, for whoever only looks: written by any model, group and k."""
        return self._load(lambda _: None)

    def _load(self, check: Callable[[Mapping[bytes, bytes]], None]) -> Snapshot | None:
        with translated():
            fields = cast("dict[bytes, bytes]", self.client.hgetall(self.key))
        if b"centers" not in fields:
            return None
        with self._readable():
            check(fields)
            return as_snapshot(fields)

    @contextmanager
    def _readable(self) -> Iterator[None]:
        """Whoever may write to the store may have written anything: it must not end in a stack trace."""
        try:
            yield
        except (KeyError, ValueError) as error:  # a missing field; no number, no UTF-8, not so many bytes
            raise ConfigurationError(
                f"clusters.space {self.name!r}: expected a hash as workers write it, got a damaged one"
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
            **offset_fields(snapshot.watermarks),
        }
        return self._run(REPLACE_SCRIPT, expected or "", "*" if pool_revision is None else pool_revision, fields)

    def pool(self, rows: PoolRows | None = None) -> SeedPool | None:
        """See CentroidStore."""
        fields: dict[str, Any] = {}
        confirmed = {} if rows is None else offset_fields(rows.confirmed)
        revision = ""
        if rows is not None and rows.watermarks:
            revision = f"{np.random.default_rng().integers(2**63):016x}"
            fields = {
                f"row:{source.topic}:{source.partition}:{offset:020d}": embedding.astype("<f4").tobytes()
                for (source, offset), embedding in zip(rows.sources, rows.embeddings, strict=True)
            } | offset_fields(rows.watermarks)
        with translated():
            script = self.client.register_script(POOL_SCRIPT)
            owner = [self.space.model, self.space.group]
            arguments = [revision, *owner, len(confirmed), *_flat(confirmed), *_flat(fields)]
            answer = script(keys=[self.key, self.pool_key], args=arguments)
            if answer == SEEDED:
                return None
            if isinstance(answer, list):
                self._refuse_pool(answer)
            stored = cast("dict[bytes, bytes]", self.client.hgetall(self.pool_key))
            seconds, micros = map(int, self.client.register_script(NOW_SCRIPT)(keys=[self.pool_key]))
        with self._readable():
            return replace(as_pool(stored, now=seconds + micros / 1e6), lost_rows=answer == LOST_ROWS)

    def _refuse_pool(self, owner: list[bytes | None]) -> None:
        """Rows of another encoder would be seeded with ours, rows of another group counted in our clusters."""
        ours = {"model": self.space.model, "group": self.space.group}
        for field, theirs in zip(ours, owner, strict=True):
            self._agree_on(field, ours=ours[field], theirs=(theirs or b"").decode("utf-8", "replace"))

    def reset(self) -> None:
        """Empty the space on purpose; a marker keeps workers from restoring it from their copies."""
        with translated():
            self.client.register_script(RESET_SCRIPT)(keys=[self.key, self.pool_key], args=[RESET])

    def _run(self, script: str, expected: str, pool_revision: str, fields: Mapping[str, Any]) -> bool:
        with translated():
            done = self.client.register_script(script)(
                keys=[self.key, self.pool_key], args=[expected, pool_revision, *_flat(fields)]
            )
        return bool(done)


def _flat(fields: Mapping[str, Any]) -> list[Any]:
    return [part for pair in fields.items() for part in pair]
