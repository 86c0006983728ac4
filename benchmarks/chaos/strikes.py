"""What is done to workers: killed, asked to end, paused, added, taken away."""

from benchmarks.chaos.catching import all_caught, caught
from benchmarks.chaos.control import Field
from benchmarks.chaos.scene import Scene

ZOMBIE_SECONDS = 25.0  # at most; the group takes partitions over in about two sessions
WAKING_SESSIONS = 0.5  # a client that has found its coordinator again sends a heartbeat after a quarter of a session
AFTERLIFE_SECONDS = 0.5  # a zombie wakes so long after the others have done its work


def kill(scene: Scene, point: str | None) -> None:
    """Kill -9 one worker; another is started at once."""
    with caught(scene, point) as hand:
        hand.kill()
    scene.crew.refill()


def terminate(scene: Scene, point: str | None) -> None:
    """SIGTERM to one worker; another is started at once."""
    with caught(scene, point) as hand:
        hand.terminate()
    scene.crew.add()
    scene.until(lambda: not hand.is_alive, seconds=ZOMBIE_SECONDS)
    scene.stretch()


def zombie(scene: Scene, point: str | None) -> None:
    """SIGSTOP for longer than the session; SIGCONT in the middle of the takeover, or after it."""
    with caught(scene, point) as hand:
        hand.remote.release()  # it stays frozen, and goes on from here when it wakes
        ends = scene.struck.ends
        if scene.rng.random() < 1 / 3:
            scene.hold(scene.session_seconds * 1.2)
        else:
            scene.until(lambda: scene.follower.is_answered(ends), seconds=ZOMBIE_SECONDS)
            scene.hold(AFTERLIFE_SECONDS)


def slow_zombie(scene: Scene, point: str | None) -> None:
    """As a zombie, but it goes on only when its client has learned that it is out, and has forgotten who it was.

    What it does then begins afterwards, so nothing of it has timed out: only its membership tells that it is old.
    """
    with caught(scene, point) as hand:
        ends = scene.struck.ends
        scene.until(lambda: scene.follower.is_answered(ends), seconds=ZOMBIE_SECONDS)
        hand.thaw()  # it stands at the fault point still, and its client's own thread goes on
        scene.hold(scene.session_seconds * WAKING_SESSIONS)


def add_worker(scene: Scene, point: str | None) -> None:
    """One worker more; the others must share with it."""
    with caught(scene, point):
        added = scene.crew.add()
    scene.until(lambda: added.remote.page[Field.BEGUN] > 0, seconds=ZOMBIE_SECONDS)
    scene.stretch()


def remove_worker(scene: Scene, point: str | None) -> None:
    """SIGTERM to one worker, and nobody in its place until the rest has taken over."""
    with caught(scene, point) as hand:
        hand.terminate()
    scene.until(lambda: not hand.is_alive, seconds=ZOMBIE_SECONDS)
    scene.stretch()
    scene.until(lambda: scene.is_done(scene.struck.ends), seconds=ZOMBIE_SECONDS)


def kill_all(scene: Scene, _: str | None) -> None:
    """Kill -9 every worker at once; as many are started."""
    with all_caught(scene) as hands:
        for hand in hands:
            hand.kill()
    scene.crew.refill()


def terminate_all(scene: Scene, _: str | None) -> None:
    """SIGTERM to every worker at once; as many are started when they have ended."""
    with all_caught(scene) as hands:
        for hand in hands:
            hand.terminate()
    scene.until(lambda: not any(hand.is_alive for hand in hands), seconds=ZOMBIE_SECONDS)
    scene.stretch()
    scene.crew.refill()
