"""A store that comes back without its last second: what a power cut does under `appendfsync everysec`.

A killed process loses nothing that it wrote, because the kernel has it. So the end of the append-only file is cut off.
"""

import redis

from benchmarks.chaos.catching import all_caught
from benchmarks.chaos.errors import StrikeMissed
from benchmarks.chaos.scene import Scene

EVERYSEC_SECONDS = 1.2  # what `appendfsync everysec` may lose, and a little
LEARN_SECONDS = 15.0  # for the store to be told something new


def lose_a_second(scene: Scene, _: str | None) -> None:
    """Kill the store and cut the last second off its file, as a power cut does under `appendfsync everysec`."""
    _cut_file(scene, "centroids", and_workers=False)


def lose_a_second_of_the_pool(scene: Scene, _: str | None) -> None:
    """The same, while the embeddings for seeding are being pooled."""
    _cut_file(scene, "pool", and_workers=False)


def lose_a_second_and_workers(scene: Scene, _: str | None) -> None:
    """The same, and every worker is killed: no copy of the lost second is left anywhere."""
    _cut_file(scene, "centroids", and_workers=True)


def _cut_file(scene: Scene, what: str, *, and_workers: bool) -> None:
    store, client = scene.around.own_store, scene.around.store_client
    client.config_set("appendfsync", "everysec")
    _await_news(scene, what)
    file = scene.around.log_of_store()
    kept = file.stat().st_size
    scene.hold(EVERYSEC_SECONDS)
    _await_news(scene, what)
    with all_caught(scene) as hands:
        store.kill()
        if file.stat().st_size == kept:
            raise StrikeMissed("the store was told nothing in its last second")
        with file.open("r+b") as log:
            log.truncate(kept)
        store.start()
        for hand in hands if and_workers else ():
            hand.kill()
    scene.crew.refill()


def _await_news(scene: Scene, what: str) -> None:
    """Until workers have written to the store once more."""
    key = f"textsieve:{{{scene.names.space}}}:{what}"
    before = scene.around.store_client.hget(key, "revision")

    def moved() -> bool:
        try:
            return bool(scene.around.store_client.hget(key, "revision") != before)
        except redis.RedisError:
            return False

    if not scene.until(moved, seconds=LEARN_SECONDS):
        raise StrikeMissed("the store was told nothing")
