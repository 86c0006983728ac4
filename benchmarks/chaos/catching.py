"""Catches workers in the act: at a named fault point, or at a random moment with unfinished messages in hand."""

from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.chaos.crew import Hand
from benchmarks.chaos.errors import StrikeMissed
from benchmarks.chaos.messages import Sort
from benchmarks.chaos.scene import Scene

POINT_SECONDS = 60.0  # for a worker to come by a point: seeding waits for enough messages
MOST_WORKERS = 4  # of one stream: it has so many partitions
REBALANCE_SECONDS = 20.0  # for a group to rebalance; a worker that has just committed passes by the point
LURES = 60  # random moments tried
MOMENT_SECONDS = 0.4  # longest pause between two of them: about an iteration
POISON_BURST = 6  # so that the next batches have dead letters


@contextmanager
def caught(scene: Scene, point: str | None) -> Iterator[Hand]:
    """One worker stands frozen within, with unfinished messages; the strike is marked at the entry.

    Afterwards it goes on, if it still lives.

    Raises:
        StrikeMissed: none was found so in time.
    """
    hand = _at_a_moment(scene) if point is None else _at_a_point(scene, point)
    try:
        yield hand
    finally:
        hand.remote.release()
        if hand.is_alive:
            hand.thaw()


@contextmanager
def all_caught(scene: Scene) -> Iterator[list[Hand]]:
    """All workers stand frozen within, at least one of them with unfinished messages.

    Raises:
        StrikeMissed: none ever had any.
    """
    for _ in range(LURES):
        scene.hold(scene.rng.uniform(0, MOMENT_SECONDS))
        with scene.crew.frozen() as hands:
            unfinished = sum(hand.unfinished for hand in hands)
            if unfinished and not any(hand.is_exposed for hand in hands):
                scene.mark(unfinished)
                yield hands
                return
    raise StrikeMissed("no worker ever held unfinished messages")


def _at_a_moment(scene: Scene) -> Hand:
    for _ in range(LURES):
        scene.hold(scene.rng.uniform(0, MOMENT_SECONDS))
        hand = scene.rng.choice(scene.crew.hands)
        hand.freeze()
        if hand.is_alive and hand.unfinished and not hand.is_exposed:
            scene.mark(hand.unfinished)
            return hand
        hand.thaw()
    raise StrikeMissed("no worker was ever found with unfinished messages")


def _at_a_point(scene: Scene, point: str) -> Hand:
    for hand in scene.crew.hands:
        hand.remote.arm(point)
    if point == "during_rebalance":
        _rebalance(scene)
    if point == "between_dead_letters_and_results":
        scene.feeder.insert([Sort.POISON] * POISON_BURST)

    def there() -> list[Hand]:
        return [hand for hand in scene.crew.hands if hand.remote.reached(point)]

    scene.until(lambda: bool(there()), seconds=REBALANCE_SECONDS if point == "during_rebalance" else POINT_SECONDS)
    victim = next(iter(there()), None)
    for hand in scene.crew.hands:
        if hand is not victim:
            hand.remote.release()
    if victim is None:
        raise StrikeMissed(f"no worker came by {point} with unfinished messages")
    victim.freeze()
    scene.mark(victim.unfinished)
    return victim


def _rebalance(scene: Scene) -> None:
    """Give the group a reason to rebalance: one more worker, or one less."""
    if len(scene.crew.hands) < MOST_WORKERS:
        scene.crew.add()
    else:
        scene.crew.hands[0].terminate()
