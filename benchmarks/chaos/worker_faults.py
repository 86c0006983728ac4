"""What is done to workers: killed, asked to end, paused, added, taken away."""

from benchmarks.chaos.control import Field
from benchmarks.chaos.freezing import all_frozen, one_frozen
from benchmarks.chaos.scenario import Scenario

ZOMBIE_SECONDS = 25.0  # at most; the group takes partitions over in about two sessions
WAKING_SESSIONS = 0.5  # a client that has found its coordinator again sends a heartbeat after a quarter of a session
AFTERLIFE_SECONDS = 0.5  # a zombie wakes so long after the others have done its work


def kill(scenario: Scenario, point: str | None) -> None:
    """Kill -9 one worker; another is started at once."""
    with one_frozen(scenario, point) as process:
        process.kill()
    scenario.workers.refill()


def terminate(scenario: Scenario, point: str | None) -> None:
    """SIGTERM to one worker; another is started at once."""
    with one_frozen(scenario, point) as process:
        process.terminate()
    scenario.workers.add()
    scenario.wait_until(lambda: not process.is_alive, seconds=ZOMBIE_SECONDS)
    scenario.extend_injection()


def zombie(scenario: Scenario, point: str | None) -> None:
    """SIGSTOP for longer than the session; SIGCONT in the middle of the takeover, or after it."""
    with one_frozen(scenario, point) as process:
        process.control.release()  # it stays frozen, and goes on from here when it wakes
        ends = scenario.last_injection.ends
        if scenario.rng.random() < 1 / 3:
            scenario.wait(scenario.session_seconds * 1.2)
        else:
            scenario.wait_until(lambda: scenario.monitor.is_answered(ends), seconds=ZOMBIE_SECONDS)
            scenario.wait(AFTERLIFE_SECONDS)


def slow_zombie(scenario: Scenario, point: str | None) -> None:
    """As a zombie, but it goes on only when its client has learned that it is out, and has forgotten who it was.

    What it does then begins afterwards, so nothing of it has timed out: only its membership tells that it is old.
    """
    with one_frozen(scenario, point) as process:
        ends = scenario.last_injection.ends
        scenario.wait_until(lambda: scenario.monitor.is_answered(ends), seconds=ZOMBIE_SECONDS)
        process.thaw()  # it stands at the fault point still, and its client's own thread goes on
        scenario.wait(scenario.session_seconds * WAKING_SESSIONS)


def add_worker(scenario: Scenario, point: str | None) -> None:
    """One worker more; the others must share with it."""
    with one_frozen(scenario, point):
        added = scenario.workers.add()
    scenario.wait_until(lambda: added.control.page[Field.BEGUN] > 0, seconds=ZOMBIE_SECONDS)
    scenario.extend_injection()


def remove_worker(scenario: Scenario, point: str | None) -> None:
    """SIGTERM to one worker, and nobody in its place until the rest has taken over."""
    with one_frozen(scenario, point) as process:
        process.terminate()
    scenario.wait_until(lambda: not process.is_alive, seconds=ZOMBIE_SECONDS)
    scenario.extend_injection()
    scenario.wait_until(lambda: scenario.is_done(scenario.last_injection.ends), seconds=ZOMBIE_SECONDS)


def kill_all(scenario: Scenario, _: str | None) -> None:
    """Kill -9 every worker at once; as many are started."""
    with all_frozen(scenario) as processes:
        for process in processes:
            process.kill()
    scenario.workers.refill()


def terminate_all(scenario: Scenario, _: str | None) -> None:
    """SIGTERM to every worker at once; as many are started when they have ended."""
    with all_frozen(scenario) as processes:
        for process in processes:
            process.terminate()
    scenario.wait_until(lambda: not any(process.is_alive for process in processes), seconds=ZOMBIE_SECONDS)
    scenario.extend_injection()
    scenario.workers.refill()
