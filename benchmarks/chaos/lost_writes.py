"""A store that comes back without its last second: what a power cut does under `appendfsync everysec`.

A killed process loses nothing that it wrote, because the kernel has it. So the end of the append-only file is cut off.
"""

import redis

from benchmarks.chaos.errors import FaultMissed
from benchmarks.chaos.freezing import all_frozen
from benchmarks.chaos.scenario import Scenario

EVERYSEC_SECONDS = 1.2  # what `appendfsync everysec` may lose, and a little
LEARN_SECONDS = 15.0  # for the store to be told something new


def lose_a_second(scenario: Scenario, _: str | None) -> None:
    """Kill the store and cut the last second off its file, as a power cut does under `appendfsync everysec`."""
    _cut_file(scenario, "centroids", and_workers=False)


def lose_a_second_of_the_pool(scenario: Scenario, _: str | None) -> None:
    """The same, while the embeddings for seeding are being pooled."""
    _cut_file(scenario, "pool", and_workers=False)


def lose_a_second_and_workers(scenario: Scenario, _: str | None) -> None:
    """The same, and every worker is killed: no copy of the lost second is left anywhere."""
    _cut_file(scenario, "centroids", and_workers=True)


def _cut_file(scenario: Scenario, what: str, *, and_workers: bool) -> None:
    store, client = scenario.services.own_store, scenario.services.store_client
    client.config_set("appendfsync", "everysec")
    _await_news(scenario, what)
    file = scenario.services.log_of_store()
    kept = file.stat().st_size
    scenario.wait(EVERYSEC_SECONDS)
    _await_news(scenario, what)
    with all_frozen(scenario) as processes:
        store.kill()
        if file.stat().st_size == kept:
            raise FaultMissed("the store was told nothing in its last second")
        with file.open("r+b") as log:
            log.truncate(kept)
        store.start()
        for process in processes if and_workers else ():
            process.kill()
    scenario.workers.refill()


def _await_news(scenario: Scenario, what: str) -> None:
    """Until workers have written to the store once more."""
    key = f"textsieve:{{{scenario.names.space}}}:{what}"
    before = scenario.services.store_client.hget(key, "revision")

    def moved() -> bool:
        try:
            return bool(scenario.services.store_client.hget(key, "revision") != before)
        except redis.RedisError:
            return False

    if not scenario.wait_until(moved, seconds=LEARN_SECONDS):
        raise FaultMissed("the store was told nothing")
