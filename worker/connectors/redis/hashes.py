"""Snapshots and seed pools as the fields of a hash, and back."""

from collections.abc import Mapping

import numpy as np

from textsieve.worker.clustering.centroids import SeedPool, Snapshot
from textsieve.worker.records import Partition, Position


def offset_fields(marks: Mapping[Partition, Position]) -> dict[str, str]:
    """One field per partition: the offset and the life of the topic it belongs to."""
    return {
        f"offset:{topic}:{partition}": f"{mark.offset}@{mark.topic_id}" for (topic, partition), mark in marks.items()
    }


def watermarks(fields: Mapping[bytes, bytes]) -> dict[Partition, Position]:
    """The inverse of `offset_fields`; other fields are left out.

    Raises:
        ValueError: no worker wrote them.
    """
    marks = {}
    for name, value in fields.items():
        if name.startswith(b"offset:"):
            _, topic, partition = name.decode().split(":")  # topic names hold no colon
            offset, _, topic_id = value.decode().partition("@")
            marks[Partition(topic, int(partition))] = Position(int(offset), topic_id)
    return marks


def as_snapshot(fields: Mapping[bytes, bytes]) -> Snapshot:
    """The snapshot that a hash holds.

    Raises:
        KeyError, ValueError: a field is missing, or no number, no UTF-8, not so many bytes: no worker wrote it.
    """
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
        watermarks=watermarks(fields),
    )


def as_pool(fields: Mapping[bytes, bytes], *, now: float) -> SeedPool:
    """The seed pool that a hash holds; `now` is the store's clock, Unix seconds.

    Raises:
        ValueError: as `as_snapshot`.
    """
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
        watermarks=watermarks(fields),
        age_seconds=now - float(fields.get(b"started", now)),
        idle_seconds=now - float(fields.get(b"latest", now)),  # a worker before this left no such field: never idle
    )
