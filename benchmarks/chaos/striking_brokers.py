"""What is done to the brokers of a cluster of our own: killed, stopped, rolled, led by others, cut off, left behind."""

import time
from collections.abc import Callable, Iterable
from dataclasses import replace

from benchmarks.chaos.brokers import Brokers
from benchmarks.chaos.catching import all_caught, caught
from benchmarks.chaos.disturbances import break_lines, broken
from benchmarks.chaos.errors import RunFailed
from benchmarks.chaos.proxy import Fault, Mode
from benchmarks.chaos.scene import Scene

AWAY_SECONDS = (2.0, 9.0)  # shorter and longer than the brokers wait for one of theirs (5 s)
STOPPED_SESSIONS = 1.5  # a broker stands still for so many sessions of the workers
TAKEOVER_SECONDS = 60.0  # for the others to do everything without it, on a busy machine
MINORITY_SECONDS = 8.0  # two of three away: longer than a session
WHOLE_SECONDS = 120.0  # for a broker to come back and catch up
BEHIND_SECONDS = 2.0  # replicas are behind for so long: several batches
LOOK_SECONDS = 0.5


def kill_broker(scene: Scene, _: str | None) -> None:
    """Kill -9 one broker; it is started again after a while."""
    _kill(scene, scene.rng.choice(scene.around.own_brokers.numbers))


def kill_controller(scene: Scene, _: str | None) -> None:
    """The same to the one that leads the metadata quorum."""
    _kill(scene, scene.around.own_brokers.controller())


def kill_group_coordinator(scene: Scene, _: str | None) -> None:
    """The same to the one that the group reports to."""
    _kill(scene, _one_of(scene, Brokers.group_coordinators))


def kill_transaction_coordinator(scene: Scene, _: str | None) -> None:
    """The same to one that carries transactions."""
    _kill(scene, _one_of(scene, Brokers.transaction_coordinators))


def kill_broker_at(scene: Scene, point: str | None) -> None:
    """The same, while one worker stands at a fault point."""
    brokers = scene.around.own_brokers
    number = scene.rng.choice(brokers.numbers)
    with caught(scene, point):
        brokers.cluster.kill(number)
    _start_again(scene, [number])


def kill_brokers_in_turn(scene: Scene, _: str | None) -> None:
    """Kill -9 one broker after the other, each when the one before is back."""
    _in_turn(scene, scene.around.own_brokers.cluster.kill)


def roll_brokers(scene: Scene, _: str | None) -> None:
    """SIGTERM to one broker after the other, each when the one before is back: a rolling restart."""
    _in_turn(scene, scene.around.own_brokers.cluster.terminate)


def two_away(scene: Scene, _: str | None) -> None:
    """Kill -9 two of three: too few replicas to write, and no majority that could elect anybody."""
    brokers = scene.around.own_brokers
    gone = scene.rng.sample(brokers.numbers, 2)
    with all_caught(scene):
        for number in gone:
            brokers.cluster.kill(number)
    scene.hold(MINORITY_SECONDS)
    for number in gone:
        brokers.cluster.launch(number)


def two_stopped(scene: Scene, _: str | None) -> None:
    """SIGSTOP two of three for longer than the session of the workers."""
    brokers = scene.around.own_brokers
    gone = scene.rng.sample(brokers.numbers, 2)
    with all_caught(scene):
        for number in gone:
            brokers.cluster.stop(number)
    scene.hold(scene.session_seconds * STOPPED_SESSIONS)
    for number in gone:
        brokers.cluster.cont(number)


def stop_broker(scene: Scene, _: str | None) -> None:
    """SIGSTOP one broker for longer than the session of the workers; it goes on as if nothing had been."""
    brokers = scene.around.own_brokers
    number = scene.rng.choice(brokers.numbers)
    with all_caught(scene):
        brokers.cluster.stop(number)
    scene.hold(scene.session_seconds * STOPPED_SESSIONS)
    brokers.cluster.cont(number)


def stop_broker_for_good(scene: Scene, _: str | None) -> None:
    """SIGSTOP one broker, until the others have done everything without it; if they do not, that is a failure."""
    brokers = scene.around.own_brokers
    number = scene.rng.choice(brokers.numbers)
    with all_caught(scene):
        brokers.cluster.stop(number)
    ends = scene.struck.ends
    scene.overdue = not scene.until(lambda: scene.is_done(ends), seconds=TAKEOVER_SECONDS)
    brokers.cluster.cont(number)


def move_leaders(scene: Scene, _: str | None) -> None:
    """Every partition gets another leader, coordinators included."""
    with all_caught(scene):
        scene.around.own_brokers.move_leaders(scene.names)


def cut_line(scene: Scene, _: str | None) -> None:
    """No worker reaches one of the brokers for a while."""
    _break_one(scene, Mode.CUT, seconds=scene.rng.uniform(1.0, 9.0))


def delay_line(scene: Scene, _: str | None) -> None:
    """One of the brokers is far away for a while."""
    _break_one(scene, Mode.DELAYED, seconds=5.0, delay=scene.rng.choice((0.05, 0.3)))


def mute_line(scene: Scene, _: str | None) -> None:
    """One of the brokers does what it is asked, and no worker hears of it."""
    _break_one(scene, Mode.UNANSWERED, seconds=scene.rng.uniform(1.0, 9.0))


def kill_leader_ahead(scene: Scene, _: str | None) -> None:
    """Kill -9 a leader of the output that has what its replicas have not, as nothing reaches them for a moment.

    What it had acknowledged to a producer that does not wait for replicas is gone.
    """
    brokers = scene.around.own_brokers
    number = _mere_leader(scene)
    with broken([brokers.replica_lines[number]]) as break_all:
        with all_caught(scene):
            break_all(Fault(Mode.HELD, None))
        scene.hold(BEHIND_SECONDS)
        brokers.cluster.kill(number)
    scene.stretch()
    _start_again(scene, [number])


def _mere_leader(scene: Scene) -> int:
    """A node that leads a partition of the output and, if there is one, coordinates nothing."""
    brokers, names = scene.around.own_brokers, scene.names
    leading = set(brokers.leaders(names, names.labels).values())
    busy = brokers.group_coordinators(names) | brokers.transaction_coordinators(names)
    return scene.rng.choice(sorted(leading - busy or leading))


def _one_of(scene: Scene, ask: Callable[..., set[int]]) -> int:
    brokers = scene.around.own_brokers
    return scene.rng.choice(sorted(ask(brokers, scene.names)) or brokers.numbers)


def _kill(scene: Scene, number: int) -> None:
    with all_caught(scene):
        scene.around.own_brokers.cluster.kill(number)
    _start_again(scene, [number])


def _start_again(scene: Scene, numbers: Iterable[int]) -> None:
    scene.hold(scene.rng.uniform(*AWAY_SECONDS))
    for number in numbers:
        scene.around.own_brokers.cluster.launch(number)


def _in_turn(scene: Scene, end: Callable[[int], object]) -> None:
    """The strike is the last of them: those before it had to be recovered from, too."""
    brokers = scene.around.own_brokers
    order = scene.rng.sample(brokers.numbers, len(brokers.numbers))
    for number in order:
        if number == order[0]:
            with all_caught(scene):
                end(number)
        else:
            scene.blow = replace(scene.struck, at=time.monotonic(), ends=scene.feeder.ends())
            end(number)
        scene.hold(LOOK_SECONDS)
        brokers.cluster.launch(number)
        if number != order[-1]:
            await_whole(scene)


def await_whole(scene: Scene) -> None:
    """Wait until all brokers are back and in sync; where there is no cluster of ours, there is nothing to wait for.

    Raises:
        RunFailed: they did not come back.
    """
    brokers = scene.around.brokers
    if brokers is None:
        return
    deadline = time.monotonic() + WHOLE_SECONDS
    while not brokers.is_whole(scene.names):
        if time.monotonic() > deadline:
            raise RunFailed(f"expected all brokers in sync within {WHOLE_SECONDS:.0f} s after a strike, got less")
        scene.hold(LOOK_SECONDS)


def _break_one(scene: Scene, mode: Mode, *, seconds: float, delay: float = 0.0) -> None:
    brokers = scene.around.own_brokers
    break_lines(scene, [brokers.lines[scene.rng.choice(brokers.numbers)]], mode, seconds=seconds, delay=delay)
