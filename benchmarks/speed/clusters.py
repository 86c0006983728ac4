"""What the shared clusters cost: time per message, and races for the centroids, on the real store."""

import json
import multiprocessing
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random
from secrets import token_hex
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.speed.figures import percentiles
from textsieve.worker.clustering.online import OnlineClusters
from textsieve.worker.clustering.space import ClusterSpace
from textsieve.worker.connectors import redis as store
from textsieve.worker.errors import StoreUnavailable
from textsieve.worker.records import Embeddings, Observations, Partition, Position
from textsieve.worker.settings import RedisSettings

DIM = 384
TOPIC_ID = "bench"
SPREAD = 0.35  # of a row around its centre: as loosely as texts of one topic lie


def _pooled(k: int) -> int:
    """Rows before seeding: few, for what is measured begins after it."""
    return max(1000, 10 * k)


def cost(redis_url: str, *, k: int, per_second: float, batch: int, seconds: float, seed: int) -> dict[str, float]:
    """Seconds of assign, observe and learn for every second of a worker that answers `per_second` messages.

    One learn a second, as the default checkpoint; batches are done as fast as they can be, then counted up.
    """
    rng = np.random.default_rng(seed)
    clusters = _clusters(redis_url, f"cost-{k}-{token_hex(4)}", k=k, seed=seed)
    partition, offset = Partition("messages", 0), 0
    clusters.watermarks()
    clusters.begin({partition: Position(0, TOPIC_ID)})
    rows = _rows(rng, _pooled(k) + batch, k=k)
    while clusters.snapshot is None:
        offset = _observe(clusters, rows[offset : offset + batch], partition, offset)
        clusters.learn()
    per_learn = max(1, round(per_second / batch))  # batches between two checkpoints
    spent = {"assign": 0.0, "observe": 0.0, "learn": 0.0}
    messages = learns = 0
    began = time.perf_counter()
    while time.perf_counter() - began < seconds:
        for _ in range(per_learn):
            chosen = rows[rng.integers(0, len(rows), batch)]
            start = time.perf_counter()
            ids = clusters.assign(chosen).cluster_ids
            assigned = time.perf_counter()
            seen = Observations([partition] * batch, np.arange(offset, offset + batch), chosen, ids)
            offset += batch
            clusters.observe(seen, {partition: offset})
            spent["assign"] += assigned - start
            spent["observe"] += time.perf_counter() - assigned
            messages += batch
        start = time.perf_counter()
        clusters.learn()
        spent["learn"] += time.perf_counter() - start
        learns += 1
    of_a_second = per_second / messages  # what a second of the worker holds of each message's part
    share = (spent["assign"] + spent["observe"]) * of_a_second + spent["learn"] / learns
    return {
        "k": k,
        "per_second": per_second,
        "share": share,
        "assign_us_per_message": spent["assign"] / messages * 1e6,
        "observe_us_per_message": spent["observe"] / messages * 1e6,
        "learn_ms": spent["learn"] / learns * 1e3,
        "state_bytes": k * DIM * 4 + k * 8,
    }


def contention(
    redis_url: str,
    *,
    workers: int,
    k: int,
    rows: int,
    every_seconds: float,
    seconds: float,
    seed: int,
    cores: Sequence[int] = (),
) -> dict[str, float]:
    """So many workers learn in one space, each `rows` rows every `every_seconds` or without a pause if that is 0."""
    racer = _Racer(f"race-{workers}-{token_hex(4)}", 0, k, rows, every_seconds, seconds, seed)
    space = racer.space
    _clusters_seeded(redis_url, space, k=k, seed=seed)
    context = multiprocessing.get_context("spawn")
    with context.Pool(workers, initializer=_on_any_of, initargs=(cores,)) as pool:
        jobs = [pool.apply_async(_race, (redis_url, replace(racer, number=number))) for number in range(workers)]
        told = [job.get(timeout=seconds + 300) for job in jobs]
    learns = sum(one["learns"] for one in told)
    conflicts = sum(one["conflicts"] for one in told)
    latencies = [latency for one in told for latency in one["latencies"]]
    expected = sum(one["rows"] for one in told)
    final = _clusters(redis_url, space, k=k, seed=seed)
    final.watermarks()
    learned = 0 if final.snapshot is None else final.snapshot.learned - _pooled(k)
    return {
        "workers": workers,
        "k": k,
        "every_seconds": every_seconds,
        "learns": learns,
        "learns_per_second": learns / seconds,
        "conflicts": conflicts,
        "conflict_rate": conflicts / (learns + conflicts) if learns else 0.0,
        "most_retries": max(one["most_retries"] for one in told),
        "refused": sum(one["refused"] for one in told),
        "lost_rows": expected - learned,
        **{f"learn_{name}_ms": value * 1e3 for name, value in percentiles(latencies).items()},
    }


def _on_any_of(cores: Sequence[int]) -> None:
    if cores:
        os.sched_setaffinity(0, cores)
    threadpool_limits(1)


@dataclass(frozen=True, slots=True)
class _Racer:
    """What one simulated worker is told."""

    space: str
    number: int
    k: int
    rows: int
    every_seconds: float
    seconds: float
    seed: int


def _race(redis_url: str, told: _Racer) -> dict[str, Any]:
    """One simulated worker, in a process of its own."""
    rng, clock = np.random.default_rng(told.seed + told.number), time.perf_counter
    clusters = _clusters(redis_url, told.space, k=told.k, seed=told.seed + told.number)
    partition, offset = Partition("messages", 1 + told.number), 0
    clusters.watermarks()
    clusters.begin({partition: Position(0, TOPIC_ID)})
    latencies: list[float] = []
    conflicts, most, refused = 0, 0, 0
    time.sleep(rng.uniform(0.5, 0.5 + max(told.every_seconds, 0.1)))  # they do not start as one
    began = clock()
    turn = 0
    while clock() - began < told.seconds:
        offset = _observe(clusters, _rows(rng, told.rows, k=told.k), partition, offset)
        start = clock()
        try:
            learned = clusters.learn()
        except StoreUnavailable:
            refused += 1
            continue
        latencies.append(clock() - start)
        conflicts, most = conflicts + learned.conflicts, max(most, learned.conflicts)
        turn += 1
        time.sleep(max(0.0, began + turn * told.every_seconds - clock()))
    if clusters.has_pending:
        clusters.learn()
    return {
        "learns": len(latencies),
        "conflicts": conflicts,
        "most_retries": most,
        "refused": refused,
        "latencies": latencies,
        "rows": offset,
    }


def _clusters_seeded(redis_url: str, space: str, *, k: int, seed: int) -> None:
    clusters = _clusters(redis_url, space, k=k, seed=seed)
    partition = Partition("messages", 0)
    clusters.watermarks()
    clusters.begin({partition: Position(0, TOPIC_ID)})
    size = _pooled(k)
    _observe(clusters, _rows(np.random.default_rng(seed), size, k=k), partition, 0)
    clusters.learn()


def _clusters(redis_url: str, space: str, *, k: int, seed: int) -> OnlineClusters:
    agreed = ClusterSpace("bench", "bench", k, _pooled(k), 3600.0)
    shared = store.RedisCentroidStore(store.connect(RedisSettings(url=redis_url)), space, agreed)
    return OnlineClusters(shared, agreed, Random(seed), time.sleep)


def _observe(clusters: OnlineClusters, rows: Embeddings, partition: Partition, offset: int) -> int:
    end = offset + len(rows)
    ids = clusters.assign(rows).cluster_ids
    clusters.observe(Observations([partition] * len(rows), np.arange(offset, end), rows, ids), {partition: end})
    return end


def _rows(rng: np.random.Generator, count: int, *, k: int) -> Embeddings:
    """Unit rows around k directions that are the same for everybody."""
    centres = np.random.default_rng(7).standard_normal((k, DIM))
    rows = centres[rng.integers(0, k, count)] + rng.standard_normal((count, DIM)) * SPREAD
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / lengths, np.float32)


if __name__ == "__main__":  # in a process of its own: pinned, with one thread
    told = json.loads(sys.argv[2])
    print(json.dumps(cost(sys.argv[1], **told)))
