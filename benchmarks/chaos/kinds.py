"""The catalogue of events."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from benchmarks.chaos import disturbances, losses, strikes
from benchmarks.chaos.scene import Scene

Role = Literal["broker-line", "store-line", "own-store"]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of event.

    Attributes:
        name: what tables call it.
        strike: does it.
        point: fault point where the worker is struck; a random moment if None.
        seconds: roughly what it takes with its recovery, to spread the work evenly.
        opens: must be the first of a stream: it is struck while the clusters are being seeded.
        pool_seconds: how long a stream that it opens gathers embeddings before seeding.
        apart: may repeat a batch, by design; counted apart in a stream of its own.
        needs: what must be ours, or have a line before it.
    """

    name: str
    strike: Callable[[Scene, str | None], None]
    point: str | None = None
    seconds: float = 14.0
    opens: bool = False
    pool_seconds: float = 4.0
    apart: bool = False
    needs: Role | None = None


def _killed(point: str, *, opens: bool = False) -> Kind:
    return Kind(f"kill -9 at {point}", strikes.kill, point, opens=opens)


def _paused(point: str) -> Kind:
    return Kind(f"zombie at {point}", strikes.zombie, point, 22.0)


CATALOGUE: Final = (
    Kind("kill -9", strikes.kill),
    _killed("before_fence"),
    Kind("kill -9 before publish", strikes.kill, "between_fence_and_send"),
    _killed("between_dead_letters_and_results"),
    _killed("mid_acks"),
    _killed("between_publish_and_learn"),
    _killed("before_learn_write"),
    _killed("between_learn_and_commit"),
    _killed("during_rebalance"),
    _killed("pooling", opens=True),
    _killed("before_seeding", opens=True),
    _killed("after_seeding", opens=True),
    Kind("SIGTERM", strikes.terminate, None, 8.0),
    Kind("SIGTERM at mid_acks", strikes.terminate, "mid_acks", 8.0),
    Kind("SIGTERM at during_rebalance", strikes.terminate, "during_rebalance", 12.0),
    Kind("zombie", strikes.zombie, None, 22.0),
    _paused("before_fence"),
    _paused("between_publish_and_learn"),
    _paused("between_learn_and_commit"),
    _paused("during_rebalance"),
    _paused("before_learn_write"),
    Kind("zombie while pooling", strikes.zombie, "before_learn_write", 22.0, opens=True, pool_seconds=30.0),
    Kind("zombie before seeding", strikes.zombie, "before_seeding", 22.0, opens=True),
    Kind("zombie between fence and send", strikes.zombie, "between_fence_and_send", 22.0, apart=True),
    Kind(
        "sends arrive late",
        disturbances.hold_worker,
        "between_fence_and_send",
        22.0,
        apart=True,
        needs="broker-line",
    ),
    Kind("worker added", strikes.add_worker, None, 8.0),
    Kind("worker removed", strikes.remove_worker, None, 8.0),
    Kind("all workers killed", strikes.kill_all),
    Kind("all workers SIGTERM", strikes.terminate_all, None, 10.0),
    Kind("store killed", disturbances.kill_store, None, 5.0, needs="own-store"),
    Kind("store lost a second", losses.lose_a_second, None, 7.0, needs="own-store"),
    Kind("store lost a second, workers killed", losses.lose_a_second_and_workers, None, 16.0, needs="own-store"),
    Kind(
        "store lost a second of the pool",
        losses.lose_a_second_of_the_pool,
        None,
        20.0,
        opens=True,
        pool_seconds=20.0,
        needs="own-store",
    ),
    Kind("store out of memory", disturbances.fill_store, None, 6.0, needs="own-store"),
    Kind("store read-only", disturbances.store_read_only, None, 6.0, needs="own-store"),
    Kind("store without replicas", disturbances.store_without_replicas, None, 6.0, needs="own-store"),
    Kind("store line cut", disturbances.cut_store, None, 6.0, needs="store-line"),
    Kind("store line delayed", disturbances.delay_store, None, 6.0, needs="store-line"),
    Kind("store answers lost", disturbances.mute_store, None, 8.0, needs="store-line"),
    Kind("broker line cut", disturbances.cut_broker, None, 8.0, needs="broker-line"),
    Kind("broker line of one worker cut", disturbances.cut_off_worker, None, 20.0, needs="broker-line"),
    Kind("broker line delayed", disturbances.delay_broker, None, 7.0, needs="broker-line"),
    Kind("broker answers lost", disturbances.mute_broker, None, 9.0, needs="broker-line"),
    Kind("poison in a batch", disturbances.poison, None, 3.0),
    Kind("model fails on one text", disturbances.failing_text, None, 3.0),
    Kind("device out of memory", disturbances.bulky_text, None, 7.0),
    Kind("log device full", disturbances.fill_log, "full_log", 6.0),
)

BY_NAME: Final = {kind.name: kind for kind in CATALOGUE}
