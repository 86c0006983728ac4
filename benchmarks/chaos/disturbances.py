"""What is done to everything around the workers: store, broker, lines, messages, model, disk."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from benchmarks.chaos.catching import all_caught, caught
from benchmarks.chaos.control import Field
from benchmarks.chaos.errors import RunFailed, StrikeMissed
from benchmarks.chaos.messages import Sort
from benchmarks.chaos.proxy import Fault, Mode, Proxy
from benchmarks.chaos.scene import Scene
from benchmarks.chaos.strikes import AFTERLIFE_SECONDS, ZOMBIE_SECONDS

SEEN_SECONDS = 15.0  # for a message to reach a model


def kill_store(scene: Scene, _: str | None) -> None:
    """Kill -9 the store, whose append-only file has every acknowledged write; start it after a while."""
    store = scene.around.own_store
    with all_caught(scene):
        store.kill()
    scene.hold(scene.rng.uniform(0.2, 3.0))
    store.start()


def fill_store(scene: Scene, _: str | None) -> None:
    """The store has no memory for writes for a while."""
    _configured(scene, "maxmemory", "1", "0")


def store_without_replicas(scene: Scene, _: str | None) -> None:
    """The store refuses writes because too few replicas would get them."""
    _configured(scene, "min-replicas-to-write", "1", "0")


def store_read_only(scene: Scene, _: str | None) -> None:
    """The store is made a replica of nobody: it answers reads and refuses writes."""
    client = scene.around.store_client
    with all_caught(scene):
        client.replicaof("127.0.0.1", "1")
    scene.hold(scene.rng.uniform(1.0, 3.0))
    client.replicaof("NO", "ONE")


def cut_store(scene: Scene, _: str | None) -> None:
    """Every connection to the store ends, and no new one is made for a while."""
    break_lines(scene, _store_line(scene), Mode.CUT, seconds=scene.rng.uniform(0.5, 4.0))


def delay_store(scene: Scene, _: str | None) -> None:
    """The store answers late, sometimes too late."""
    break_lines(scene, _store_line(scene), Mode.DELAYED, seconds=3.0, delay=scene.rng.choice((0.2, 1.5)))


def mute_store(scene: Scene, _: str | None) -> None:
    """The store does what it is asked, and nobody hears of it."""
    break_lines(scene, _store_line(scene), Mode.UNANSWERED, seconds=scene.rng.uniform(1.0, 5.0))


def cut_broker(scene: Scene, _: str | None) -> None:
    """Every worker's connections to the broker end, and no new one is made for a while."""
    break_lines(scene, scene.around.broker_lines, Mode.CUT, seconds=scene.rng.uniform(0.5, 4.0))


def delay_broker(scene: Scene, _: str | None) -> None:
    """The broker answers late."""
    break_lines(scene, scene.around.broker_lines, Mode.DELAYED, seconds=4.0, delay=scene.rng.choice((0.05, 0.3)))


def mute_broker(scene: Scene, _: str | None) -> None:
    """The broker appends what it is sent, and nobody hears of it."""
    break_lines(scene, scene.around.broker_lines, Mode.UNANSWERED, seconds=scene.rng.uniform(1.0, 5.0))


def cut_off_worker(scene: Scene, point: str | None) -> None:
    """One worker alone loses the broker until the others have taken over."""
    with broken(scene.around.broker_lines) as break_all:
        with caught(scene, point) as hand:
            break_all(Fault(Mode.CUT, frozenset({hand.pid})))
        ends = scene.struck.ends
        scene.until(lambda: scene.follower.is_answered(ends), seconds=ZOMBIE_SECONDS)


def hold_worker(scene: Scene, point: str | None) -> None:
    """What one worker sends is under way until the others have taken over, and then arrives all the same."""
    with broken(scene.around.broker_lines) as break_all:
        with caught(scene, point) as hand:
            break_all(Fault(Mode.HELD, frozenset({hand.pid})))
        ends = scene.struck.ends
        scene.until(lambda: scene.follower.is_answered(ends), seconds=ZOMBIE_SECONDS)
        scene.hold(AFTERLIFE_SECONDS)


def poison(scene: Scene, _: str | None) -> None:
    """Bytes that are no JSON among the next messages."""
    with all_caught(scene):
        _pile_up(scene, [Sort.POISON] * 5)


def failing_text(scene: Scene, _: str | None) -> None:
    """Texts that break the model, among others that do not."""
    _provoke(scene, Sort.FAILING, Field.FAILED)


def bulky_text(scene: Scene, _: str | None) -> None:
    """A text beside which a whole batch does not fit into memory."""
    _provoke(scene, Sort.BULKY, Field.OUT_OF_MEMORY)


def fill_log(scene: Scene, point: str | None) -> None:
    """The device under a worker's log is full, and the worker is given reasons to write to it."""
    with caught(scene, point):
        pass
    blow = scene.blow
    cut_store(scene, None)
    scene.blow = blow


@contextmanager
def broken(lines: Sequence[Proxy]) -> Iterator[Callable[[Fault], None]]:
    """Gives what breaks all of them; afterwards they are whole again.

    Raises:
        RunFailed: there is none.
    """
    if not lines:
        raise RunFailed("this event needs a line of our own")

    def break_all(fault: Fault) -> None:
        for line in lines:
            line.break_line(fault)

    try:
        yield break_all
    finally:
        for line in lines:
            line.mend()


def break_lines(scene: Scene, lines: Sequence[Proxy], mode: Mode, *, seconds: float, delay: float = 0.0) -> None:
    """Break the lines of all workers for a while."""
    with broken(lines) as break_all:
        with all_caught(scene) as hands:
            break_all(Fault(mode, frozenset(hand.pid for hand in hands), delay))
        scene.hold(seconds)


def _store_line(scene: Scene) -> Sequence[Proxy]:
    return [] if scene.around.store_line is None else [scene.around.store_line]


def _configured(scene: Scene, option: str, bad: str, good: str) -> None:
    client = scene.around.store_client
    with all_caught(scene):
        client.config_set(option, bad)
    scene.hold(scene.rng.uniform(1.0, 3.0))
    client.config_set(option, good)


def _pile_up(scene: Scene, sorts: list[Sort]) -> None:
    """Send these while the workers stand still: they meet them in the middle of one large batch."""
    scene.feeder.insert(sorts)
    time.sleep(0.7)


def _provoke(scene: Scene, sort: Sort, field: Field) -> None:
    def total() -> int:
        return sum(hand.remote.page[field] for hand in scene.crew.hands)

    before = total()
    with all_caught(scene):
        _pile_up(scene, [sort] * 2)
    if not scene.until(lambda: total() > before, seconds=SEEN_SECONDS):
        raise StrikeMissed("no model met the message in a batch")
