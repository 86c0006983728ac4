"""The catalogue of events."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from benchmarks.chaos import broker_faults, lost_writes, service_faults, worker_faults
from benchmarks.chaos.deployment import Deployment, Guarantee, Role
from benchmarks.chaos.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of event.

    Attributes:
        name: what tables call it.
        inject: does it.
        point: fault point where the worker is caught; a random moment if None.
        seconds: roughly what it takes with its recovery, to spread the work evenly.
        during_seeding: must be the first of a stream: it comes while the clusters are being seeded.
        pool_seconds: how long a stream that it opens gathers embeddings before seeding.
        apart: may repeat a batch, by design; counted apart in a stream of its own.
        needs: what must be ours, or have a proxy before it.
        guarantee: of the workers, where only one of the two has such a moment.
    """

    name: str
    inject: Callable[[Scenario, str | None], None]
    point: str | None = None
    seconds: float = 14.0
    during_seeding: bool = False
    pool_seconds: float = 4.0
    apart: bool = False
    needs: Role | None = None
    guarantee: Guarantee | None = None

    def concerns(self, deployment: Deployment) -> bool:
        """Whether there are such moments there, be what it concerns ours or not."""
        has_nodes = self.needs != "cluster" or deployment.nodes > 1 or deployment.bootstrap_servers is not None
        return self.guarantee in (None, deployment.guarantee_in_force) and has_nodes

    def is_possible(self, deployment: Deployment) -> bool:
        """Whether it can happen there."""
        return self.concerns(deployment) and deployment.has(self.needs)


def _killed(point: str, *, during_seeding: bool = False, guarantee: Guarantee | None = None) -> Fault:
    return Fault(f"kill -9 at {point}", worker_faults.kill, point, during_seeding=during_seeding, guarantee=guarantee)


def _paused(point: str, guarantee: Guarantee | None = None) -> Fault:
    return Fault(f"zombie at {point}", worker_faults.zombie, point, 22.0, guarantee=guarantee)


def _late(name: str, point: str) -> Fault:
    return Fault(name, service_faults.hold_worker, point, 22.0, needs="broker-line", guarantee="exactly_once")


def _on_brokers(name: str, inject: Callable[[Scenario, str | None], None], seconds: float = 14.0) -> Fault:
    return Fault(name, inject, None, seconds, needs="cluster")


CATALOGUE: Final = (
    Fault("kill -9", worker_faults.kill),
    _killed("before_fence", guarantee="at_least_once"),
    Fault("kill -9 before publish", worker_faults.kill, "between_fence_and_send"),
    _killed("between_dead_letters_and_results", guarantee="at_least_once"),
    _killed("mid_acks", guarantee="at_least_once"),
    _killed("between_publish_and_learn"),
    _killed("before_learn_write"),
    _killed("between_learn_and_commit", guarantee="at_least_once"),
    _killed("during_rebalance"),
    _killed("pooling", during_seeding=True),
    _killed("before_seeding", during_seeding=True),
    _killed("after_seeding", during_seeding=True),
    Fault("SIGTERM", worker_faults.terminate, None, 8.0),
    Fault("SIGTERM at mid_acks", worker_faults.terminate, "mid_acks", 8.0, guarantee="at_least_once"),
    Fault("SIGTERM at during_rebalance", worker_faults.terminate, "during_rebalance", 12.0),
    Fault("zombie", worker_faults.zombie, None, 22.0),
    _paused("before_fence", "at_least_once"),
    _paused("between_publish_and_learn"),
    _paused("between_learn_and_commit", "at_least_once"),
    _paused("during_rebalance"),
    _paused("before_learn_write"),
    Fault(
        "zombie while pooling", worker_faults.zombie, "before_learn_write", 22.0, during_seeding=True, pool_seconds=30.0
    ),
    Fault("zombie before seeding", worker_faults.zombie, "before_seeding", 22.0, during_seeding=True),
    Fault(
        "zombie between fence and send",
        worker_faults.zombie,
        "between_fence_and_send",
        22.0,
        apart=True,
        guarantee="at_least_once",
    ),
    Fault(
        "sends arrive late",
        service_faults.hold_worker,
        "between_fence_and_send",
        22.0,
        apart=True,
        needs="broker-line",
        guarantee="at_least_once",
    ),
    _killed("before_offsets", guarantee="exactly_once"),
    _killed("in_a_transaction", guarantee="exactly_once"),
    Fault("SIGTERM in a transaction", worker_faults.terminate, "in_a_transaction", 8.0, guarantee="exactly_once"),
    Fault(
        "zombie before a transaction", worker_faults.zombie, "between_fence_and_send", 22.0, guarantee="exactly_once"
    ),
    _paused("before_offsets", "exactly_once"),
    _paused("in_a_transaction", "exactly_once"),
    Fault("slow zombie", worker_faults.slow_zombie, "between_fence_and_send", 22.0, guarantee="exactly_once"),
    _late("transaction arrives late", "between_fence_and_send"),
    _late("offsets arrive late", "before_offsets"),
    _late("commit arrives late", "in_a_transaction"),
    Fault("worker added", worker_faults.add_worker, None, 8.0),
    Fault("worker removed", worker_faults.remove_worker, None, 8.0),
    Fault("all workers killed", worker_faults.kill_all),
    Fault("all workers SIGTERM", worker_faults.terminate_all, None, 10.0),
    Fault("store killed", service_faults.kill_store, None, 5.0, needs="own-store"),
    Fault("store lost a second", lost_writes.lose_a_second, None, 7.0, needs="own-store"),
    Fault("store lost a second, workers killed", lost_writes.lose_a_second_and_workers, None, 16.0, needs="own-store"),
    Fault(
        "store lost a second of the pool",
        lost_writes.lose_a_second_of_the_pool,
        None,
        20.0,
        during_seeding=True,
        pool_seconds=20.0,
        needs="own-store",
    ),
    Fault("store out of memory", service_faults.fill_store, None, 6.0, needs="own-store"),
    Fault("store read-only", service_faults.store_read_only, None, 6.0, needs="own-store"),
    Fault("store without replicas", service_faults.store_without_replicas, None, 6.0, needs="own-store"),
    Fault("store line cut", service_faults.cut_store, None, 6.0, needs="store-line"),
    Fault("store line delayed", service_faults.delay_store, None, 6.0, needs="store-line"),
    Fault("store answers lost", service_faults.mute_store, None, 8.0, needs="store-line"),
    Fault("broker line cut", service_faults.cut_broker, None, 8.0, needs="broker-line"),
    Fault("broker line of one worker cut", service_faults.cut_off_worker, None, 20.0, needs="broker-line"),
    Fault("broker line delayed", service_faults.delay_broker, None, 7.0, needs="broker-line"),
    Fault("broker answers lost", service_faults.mute_broker, None, 9.0, needs="broker-line"),
    Fault("poison in a batch", service_faults.poison, None, 3.0),
    Fault("model fails on one text", service_faults.failing_text, None, 3.0),
    Fault("device out of memory", service_faults.bulky_text, None, 7.0),
    Fault("log device full", service_faults.fill_log, "full_log", 6.0),
    _on_brokers("broker killed", broker_faults.kill_broker),
    _on_brokers("controller killed", broker_faults.kill_controller),
    _on_brokers("group coordinator killed", broker_faults.kill_group_coordinator),
    _on_brokers("transaction coordinator killed", broker_faults.kill_transaction_coordinator),
    Fault(
        "broker killed in a transaction",
        broker_faults.kill_broker_at,
        "in_a_transaction",
        needs="cluster",
        guarantee="exactly_once",
    ),
    _on_brokers("brokers killed in turn", broker_faults.kill_brokers_in_turn, 40.0),
    _on_brokers("brokers rolled", broker_faults.roll_brokers, 40.0),
    _on_brokers("broker stopped", broker_faults.stop_broker, 20.0),
    _on_brokers("broker stopped for good", broker_faults.stop_broker_for_good, 25.0),
    _on_brokers("two brokers away", broker_faults.two_away, 20.0),
    _on_brokers("two brokers stopped", broker_faults.two_stopped, 20.0),
    _on_brokers("leader killed ahead of its replicas", broker_faults.kill_leader_ahead, 16.0),
    _on_brokers("leadership moved", broker_faults.move_leaders, 6.0),
    _on_brokers("line of one broker cut", broker_faults.cut_line, 12.0),
    _on_brokers("line of one broker delayed", broker_faults.delay_line, 8.0),
    _on_brokers("answers of one broker lost", broker_faults.mute_line, 14.0),
)

BY_NAME: Final = {fault.name: fault for fault in CATALOGUE}
