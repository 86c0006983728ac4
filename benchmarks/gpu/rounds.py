"""Arms that take turns, round after round in random order: a figure is a median over rounds."""

import time
from collections.abc import Callable, Mapping
from random import Random

from benchmarks.gpu.device import Device
from benchmarks.speed.figures import Spread, order

Lap = Callable[[], object]


def rates(
    device: Device, arms: Mapping[str, Lap], *, units: Mapping[str, int], rounds: int, seconds: float, seed: int
) -> dict[str, Spread]:
    """Units per second of every arm.

    Args:
        device: awaited at the end of every round.
        arms: what one lap of each does; each is run once before anything is timed.
        units: of one lap.
        rounds: each with all arms.
        seconds: of one arm in one round, at least; whole laps only.
        seed: of the orders.
    """
    for lap in arms.values():
        lap()
    found: dict[str, list[float]] = {name: [] for name in arms}
    for names in order(list(arms), seed=seed, rounds=rounds):
        for name in names:
            found[name].append(_rate(device, arms[name], units[name], seconds=seconds))
    return {name: Spread.of([round(rate, 1) for rate in each]) for name, each in found.items()}


def _rate(device: Device, lap: Lap, units: int, *, seconds: float) -> float:
    device.await_done()
    began, laps = time.perf_counter(), 0
    while time.perf_counter() - began < seconds or not laps:
        lap()
        laps += 1
    device.await_done()
    return laps * units / (time.perf_counter() - began)


def shuffled(rows: list[str], *, seed: int) -> list[str]:
    """The same rows in another order."""
    return Random(seed).sample(rows, len(rows))
