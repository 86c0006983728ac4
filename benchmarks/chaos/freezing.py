"""Freezes workers in the act: at a named fault point, or at a random moment with unfinished messages in process."""

from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.chaos.errors import FaultMissed
from benchmarks.chaos.messages import MessageKind
from benchmarks.chaos.scenario import Scenario
from benchmarks.chaos.workers import WorkerProcess

POINT_SECONDS = 60.0  # for a worker to come by a point: seeding waits for enough messages
MOST_WORKERS = 4  # of one stream: it has so many partitions
REBALANCE_SECONDS = 20.0  # for a group to rebalance; a worker that has just committed passes by the point
ATTEMPTS = 60  # random moments tried
MOMENT_SECONDS = 0.4  # longest pause between two of them: about an iteration
POISON_BURST = 6  # so that the next batches have dead letters


@contextmanager
def one_frozen(scenario: Scenario, point: str | None) -> Iterator[WorkerProcess]:
    """One worker stands frozen within, with unfinished messages; the injection is recorded at the entry.

    Afterwards it goes on, if it still lives.

    Raises:
        FaultMissed: none was found so in time.
    """
    process = _at_a_moment(scenario) if point is None else _at_a_point(scenario, point)
    try:
        yield process
    finally:
        process.control.release()
        if process.is_alive:
            process.thaw()


@contextmanager
def all_frozen(scenario: Scenario) -> Iterator[list[WorkerProcess]]:
    """All workers stand frozen within, at least one of them with unfinished messages.

    Raises:
        FaultMissed: none ever had any.
    """
    for _ in range(ATTEMPTS):
        scenario.wait(scenario.rng.uniform(0, MOMENT_SECONDS))
        with scenario.workers.frozen() as processes:
            unfinished = sum(process.unfinished for process in processes)
            if unfinished and not any(process.is_exposed for process in processes):
                scenario.record_injection(unfinished)
                yield processes
                return
    raise FaultMissed("no worker ever held unfinished messages")


def _at_a_moment(scenario: Scenario) -> WorkerProcess:
    for _ in range(ATTEMPTS):
        scenario.wait(scenario.rng.uniform(0, MOMENT_SECONDS))
        process = scenario.rng.choice(scenario.workers.processes)
        process.freeze()
        if process.is_alive and process.unfinished and not process.is_exposed:
            scenario.record_injection(process.unfinished)
            return process
        process.thaw()
    raise FaultMissed("no worker was ever found with unfinished messages")


def _at_a_point(scenario: Scenario, point: str) -> WorkerProcess:
    for process in scenario.workers.processes:
        process.control.arm(point)
    if point == "during_rebalance":
        _rebalance(scenario)
    if point == "between_dead_letters_and_results":
        scenario.load.insert([MessageKind.POISON] * POISON_BURST)

    def there() -> list[WorkerProcess]:
        return [process for process in scenario.workers.processes if process.control.reached(point)]

    scenario.wait_until(
        lambda: bool(there()), seconds=REBALANCE_SECONDS if point == "during_rebalance" else POINT_SECONDS
    )
    victim = next(iter(there()), None)
    for process in scenario.workers.processes:
        if process is not victim:
            process.control.release()
    if victim is None:
        raise FaultMissed(f"no worker came by {point} with unfinished messages")
    victim.freeze()
    scenario.record_injection(victim.unfinished)
    return victim


def _rebalance(scenario: Scenario) -> None:
    """Give the group a reason to rebalance: one more worker, or one less."""
    if len(scenario.workers.processes) < MOST_WORKERS:
        scenario.workers.add()
    else:
        scenario.workers.processes[0].terminate()
