"""The catalogue of events."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from benchmarks.chaos import disturbances, losses, strikes, striking_brokers
from benchmarks.chaos.ground import Ground, Guarantee, Role
from benchmarks.chaos.scene import Scene


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
        guarantee: of the workers, where only one of the two has such a moment.
    """

    name: str
    strike: Callable[[Scene, str | None], None]
    point: str | None = None
    seconds: float = 14.0
    opens: bool = False
    pool_seconds: float = 4.0
    apart: bool = False
    needs: Role | None = None
    guarantee: Guarantee | None = None

    def concerns(self, ground: Ground) -> bool:
        """Whether there are such moments there, be what is struck ours or not."""
        has_nodes = self.needs != "cluster" or ground.nodes > 1 or ground.bootstrap_servers is not None
        return self.guarantee in (None, ground.guarantee_in_force) and has_nodes

    def is_possible(self, ground: Ground) -> bool:
        """Whether it can happen there."""
        return self.concerns(ground) and ground.has(self.needs)


def _killed(point: str, *, opens: bool = False, guarantee: Guarantee | None = None) -> Kind:
    return Kind(f"kill -9 at {point}", strikes.kill, point, opens=opens, guarantee=guarantee)


def _paused(point: str, guarantee: Guarantee | None = None) -> Kind:
    return Kind(f"zombie at {point}", strikes.zombie, point, 22.0, guarantee=guarantee)


def _late(name: str, point: str) -> Kind:
    return Kind(name, disturbances.hold_worker, point, 22.0, needs="broker-line", guarantee="exactly_once")


def _struck(name: str, strike: Callable[[Scene, str | None], None], seconds: float = 14.0) -> Kind:
    return Kind(name, strike, None, seconds, needs="cluster")


CATALOGUE: Final = (
    Kind("kill -9", strikes.kill),
    _killed("before_fence", guarantee="at_least_once"),
    Kind("kill -9 before publish", strikes.kill, "between_fence_and_send"),
    _killed("between_dead_letters_and_results", guarantee="at_least_once"),
    _killed("mid_acks", guarantee="at_least_once"),
    _killed("between_publish_and_learn"),
    _killed("before_learn_write"),
    _killed("between_learn_and_commit", guarantee="at_least_once"),
    _killed("during_rebalance"),
    _killed("pooling", opens=True),
    _killed("before_seeding", opens=True),
    _killed("after_seeding", opens=True),
    Kind("SIGTERM", strikes.terminate, None, 8.0),
    Kind("SIGTERM at mid_acks", strikes.terminate, "mid_acks", 8.0, guarantee="at_least_once"),
    Kind("SIGTERM at during_rebalance", strikes.terminate, "during_rebalance", 12.0),
    Kind("zombie", strikes.zombie, None, 22.0),
    _paused("before_fence", "at_least_once"),
    _paused("between_publish_and_learn"),
    _paused("between_learn_and_commit", "at_least_once"),
    _paused("during_rebalance"),
    _paused("before_learn_write"),
    Kind("zombie while pooling", strikes.zombie, "before_learn_write", 22.0, opens=True, pool_seconds=30.0),
    Kind("zombie before seeding", strikes.zombie, "before_seeding", 22.0, opens=True),
    Kind(
        "zombie between fence and send",
        strikes.zombie,
        "between_fence_and_send",
        22.0,
        apart=True,
        guarantee="at_least_once",
    ),
    Kind(
        "sends arrive late",
        disturbances.hold_worker,
        "between_fence_and_send",
        22.0,
        apart=True,
        needs="broker-line",
        guarantee="at_least_once",
    ),
    _killed("before_offsets", guarantee="exactly_once"),
    _killed("in_a_transaction", guarantee="exactly_once"),
    Kind("SIGTERM in a transaction", strikes.terminate, "in_a_transaction", 8.0, guarantee="exactly_once"),
    Kind("zombie before a transaction", strikes.zombie, "between_fence_and_send", 22.0, guarantee="exactly_once"),
    _paused("before_offsets", "exactly_once"),
    _paused("in_a_transaction", "exactly_once"),
    Kind("slow zombie", strikes.slow_zombie, "between_fence_and_send", 22.0, guarantee="exactly_once"),
    _late("transaction arrives late", "between_fence_and_send"),
    _late("offsets arrive late", "before_offsets"),
    _late("commit arrives late", "in_a_transaction"),
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
    _struck("broker killed", striking_brokers.kill_broker),
    _struck("controller killed", striking_brokers.kill_controller),
    _struck("group coordinator killed", striking_brokers.kill_group_coordinator),
    _struck("transaction coordinator killed", striking_brokers.kill_transaction_coordinator),
    Kind(
        "broker killed in a transaction",
        striking_brokers.kill_broker_at,
        "in_a_transaction",
        needs="cluster",
        guarantee="exactly_once",
    ),
    _struck("brokers killed in turn", striking_brokers.kill_brokers_in_turn, 40.0),
    _struck("brokers rolled", striking_brokers.roll_brokers, 40.0),
    _struck("broker stopped", striking_brokers.stop_broker, 20.0),
    _struck("broker stopped for good", striking_brokers.stop_broker_for_good, 25.0),
    _struck("two brokers away", striking_brokers.two_away, 20.0),
    _struck("two brokers stopped", striking_brokers.two_stopped, 20.0),
    _struck("leader killed ahead of its replicas", striking_brokers.kill_leader_ahead, 16.0),
    _struck("leadership moved", striking_brokers.move_leaders, 6.0),
    _struck("line of one broker cut", striking_brokers.cut_line, 12.0),
    _struck("line of one broker delayed", striking_brokers.delay_line, 8.0),
    _struck("answers of one broker lost", striking_brokers.mute_line, 14.0),
)

BY_NAME: Final = {kind.name: kind for kind in CATALOGUE}
