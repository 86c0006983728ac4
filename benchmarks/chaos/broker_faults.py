"""What is done to the brokers of a cluster of our own: killed, stopped, rolled, led by others, cut off, left behind."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from benchmarks.chaos.brokers import Brokers
from benchmarks.chaos.errors import RunFailed
from benchmarks.chaos.freezing import all_frozen, one_frozen
from benchmarks.chaos.proxy import LineFault, Mode
from benchmarks.chaos.scenario import Scenario
from benchmarks.chaos.service_faults import break_proxies, broken

AWAY_SECONDS = (2.0, 9.0)  # shorter and longer than the brokers wait for one of theirs (5 s)
STOPPED_SESSIONS = 1.5  # a broker stands still for so many sessions of the workers
TAKEOVER_SECONDS = 60.0  # for the others to do everything without it, on a busy machine
MINORITY_SECONDS = 8.0  # two of three away: longer than a session
WHOLE_SECONDS = 120.0  # for a broker to come back and catch up
BEHIND_SECONDS = 2.0  # replicas are behind for so long: several batches
LOOK_SECONDS = 0.5


def kill_broker(scenario: Scenario, _: str | None) -> None:
    """Kill -9 one broker; it is started again after a while."""
    _kill(scenario, scenario.rng.choice(scenario.services.own_brokers.numbers))


def kill_controller(scenario: Scenario, _: str | None) -> None:
    """The same to the one that leads the metadata quorum."""
    _kill(scenario, scenario.services.own_brokers.controller())


def kill_group_coordinator(scenario: Scenario, _: str | None) -> None:
    """The same to the one that the group reports to."""
    _kill(scenario, _one_of(scenario, Brokers.group_coordinators))


def kill_transaction_coordinator(scenario: Scenario, _: str | None) -> None:
    """The same to one that carries transactions."""
    _kill(scenario, _one_of(scenario, Brokers.transaction_coordinators))


def kill_broker_at(scenario: Scenario, point: str | None) -> None:
    """The same, while one worker stands at a fault point."""
    brokers = scenario.services.own_brokers
    number = scenario.rng.choice(brokers.numbers)
    with one_frozen(scenario, point):
        brokers.cluster.kill(number)
    _start_again(scenario, [number])


def kill_brokers_in_turn(scenario: Scenario, _: str | None) -> None:
    """Kill -9 one broker after the other, each when the one before is back."""
    _in_turn(scenario, scenario.services.own_brokers.cluster.kill)


def roll_brokers(scenario: Scenario, _: str | None) -> None:
    """SIGTERM to one broker after the other, each when the one before is back: a rolling restart."""
    _in_turn(scenario, scenario.services.own_brokers.cluster.terminate)


def two_away(scenario: Scenario, _: str | None) -> None:
    """Kill -9 two of three: too few replicas to write, and no majority that could elect anybody."""
    brokers = scenario.services.own_brokers
    gone = scenario.rng.sample(brokers.numbers, 2)
    with all_frozen(scenario):
        for number in gone:
            brokers.cluster.kill(number)
    scenario.wait(MINORITY_SECONDS)
    for number in gone:
        brokers.cluster.launch(number)


def two_stopped(scenario: Scenario, _: str | None) -> None:
    """SIGSTOP two of three for longer than the session of the workers."""
    _stop(scenario, scenario.rng.sample(scenario.services.own_brokers.numbers, 2))


def stop_broker(scenario: Scenario, _: str | None) -> None:
    """SIGSTOP one broker for longer than the session of the workers; it goes on as if nothing had been."""
    _stop(scenario, [scenario.rng.choice(scenario.services.own_brokers.numbers)])


def stop_broker_for_good(scenario: Scenario, _: str | None) -> None:
    """SIGSTOP one broker, until the others have done everything without it; if they do not, that is a failure."""
    brokers = scenario.services.own_brokers
    number = scenario.rng.choice(brokers.numbers)
    with all_frozen(scenario):
        brokers.cluster.stop(number)
    ends = scenario.last_injection.ends
    scenario.overdue = not scenario.wait_until(lambda: scenario.is_done(ends), seconds=TAKEOVER_SECONDS)
    brokers.cluster.cont(number)


def move_leaders(scenario: Scenario, _: str | None) -> None:
    """Every partition gets another leader, coordinators included."""
    with all_frozen(scenario):
        scenario.services.own_brokers.move_leaders(scenario.names)


def cut_line(scenario: Scenario, _: str | None) -> None:
    """No worker reaches one of the brokers for a while."""
    _break_one(scenario, Mode.CUT, seconds=scenario.rng.uniform(1.0, 9.0))


def delay_line(scenario: Scenario, _: str | None) -> None:
    """One of the brokers is far away for a while."""
    _break_one(scenario, Mode.DELAYED, seconds=5.0, delay=scenario.rng.choice((0.05, 0.3)))


def mute_line(scenario: Scenario, _: str | None) -> None:
    """One of the brokers does what it is asked, and no worker hears of it."""
    _break_one(scenario, Mode.UNANSWERED, seconds=scenario.rng.uniform(1.0, 9.0))


def kill_leader_ahead(scenario: Scenario, _: str | None) -> None:
    """Kill -9 a leader of the output that has what its replicas have not, as nothing reaches them for a moment.

    What it had acknowledged to a producer that does not wait for replicas is gone.
    """
    brokers = scenario.services.own_brokers
    number = _mere_leader(scenario)
    with broken([brokers.replica_proxies[number]]) as break_all:
        with all_frozen(scenario):
            break_all(LineFault(Mode.HELD, None))
        scenario.wait(BEHIND_SECONDS)
        brokers.cluster.kill(number)
    scenario.extend_injection()
    _start_again(scenario, [number])


def _mere_leader(scenario: Scenario) -> int:
    """A node that leads a partition of the output and, if there is one, coordinates nothing."""
    brokers, names = scenario.services.own_brokers, scenario.names
    leading = set(brokers.leaders(names, names.labels).values())
    busy = brokers.group_coordinators(names) | brokers.transaction_coordinators(names)
    return scenario.rng.choice(sorted(leading - busy or leading))


def _one_of(scenario: Scenario, ask: Callable[..., set[int]]) -> int:
    brokers = scenario.services.own_brokers
    return scenario.rng.choice(sorted(ask(brokers, scenario.names)) or brokers.numbers)


def _kill(scenario: Scenario, number: int) -> None:
    with all_frozen(scenario):
        scenario.services.own_brokers.cluster.kill(number)
    _start_again(scenario, [number])


def _stop(scenario: Scenario, numbers: Sequence[int]) -> None:
    cluster = scenario.services.own_brokers.cluster
    with all_frozen(scenario):
        for number in numbers:
            cluster.stop(number)
    scenario.wait(scenario.session_seconds * STOPPED_SESSIONS)
    for number in numbers:
        cluster.cont(number)


def _start_again(scenario: Scenario, numbers: Iterable[int]) -> None:
    scenario.wait(scenario.rng.uniform(*AWAY_SECONDS))
    for number in numbers:
        scenario.services.own_brokers.cluster.launch(number)


def _in_turn(scenario: Scenario, end: Callable[[int], object]) -> None:
    """The injection is the last of them: those before it had to be recovered from, too."""
    brokers = scenario.services.own_brokers
    order = scenario.rng.sample(brokers.numbers, len(brokers.numbers))
    for number in order:
        if number == order[0]:
            with all_frozen(scenario):
                end(number)
        else:
            scenario.injection = replace(scenario.last_injection, at=time.monotonic(), ends=scenario.load.ends())
            end(number)
        scenario.wait(LOOK_SECONDS)
        brokers.cluster.launch(number)
        if number != order[-1]:
            await_whole(scenario)


def await_whole(scenario: Scenario) -> None:
    """Wait until all brokers are back and in sync; where there is no cluster of ours, there is nothing to wait for.

    Raises:
        RunFailed: they did not come back.
    """
    brokers = scenario.services.brokers
    if brokers is None:
        return
    deadline = time.monotonic() + WHOLE_SECONDS
    while not brokers.is_whole(scenario.names):
        if time.monotonic() > deadline:
            raise RunFailed(f"expected all brokers in sync within {WHOLE_SECONDS:.0f} s after a fault, got less")
        scenario.wait(LOOK_SECONDS)


def _break_one(scenario: Scenario, mode: Mode, *, seconds: float, delay: float = 0.0) -> None:
    brokers = scenario.services.own_brokers
    break_proxies(scenario, [brokers.proxies[scenario.rng.choice(brokers.numbers)]], mode, seconds=seconds, delay=delay)
