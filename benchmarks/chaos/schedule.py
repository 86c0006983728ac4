"""Which faults befall which stream, in which order: the same for the same seed."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from benchmarks.chaos.faults import BY_NAME, CATALOGUE, Fault

EVENTS_PER_STREAM = 8  # more would let one broken stream spoil many events, fewer would mostly start workers
START_SECONDS = 14.0  # roughly what a stream costs beside its events


@dataclass(frozen=True, slots=True)
class Stream:
    """One stream from its first message to its judgement.

    Attributes:
        seed: of its messages and moments.
        names: faults of its events, in order.
    """

    number: int
    seed: int
    names: tuple[str, ...]

    @property
    def faults(self) -> tuple[Fault, ...]:
        """Its events, in order."""
        return tuple(BY_NAME[name] for name in self.names)

    @property
    def is_apart(self) -> bool:
        """Whether repeats are expected and counted apart."""
        return any(fault.apart for fault in self.faults)

    @property
    def seconds(self) -> float:
        """Roughly what it takes."""
        return START_SECONDS + sum(fault.seconds for fault in self.faults)


def plan(events: int, *, seed: int, faults: Sequence[Fault] = CATALOGUE) -> list[Stream]:
    """Spread so many events over streams; every fault comes once before any comes twice.

    Args:
        events: how many.
        seed: of the order.
        faults: to choose from.
    """
    rng = Random(seed)
    drawn: list[Fault] = []
    while len(drawn) < events:
        drawn += rng.sample(faults, len(faults))
    drawn = drawn[:events]
    opening = [fault for fault in drawn if fault.during_seeding]
    apart = [fault for fault in drawn if fault.apart]
    others = [fault for fault in drawn if not (fault.during_seeding or fault.apart)]
    streams = max(len(opening), -(-(len(opening) + len(others)) // EVENTS_PER_STREAM))
    heads = [*opening, *[None] * (streams - len(opening))]
    groups = [[*([head] if head else []), *others[number::streams]] for number, head in enumerate(heads)]
    groups += [apart[at : at + EVENTS_PER_STREAM] for at in range(0, len(apart), EVENTS_PER_STREAM)]
    return [
        Stream(number, rng.getrandbits(32), tuple(fault.name for fault in group))
        for number, group in enumerate(group for group in groups if group)
    ]


def share(streams: Sequence[Stream], *, runners: int) -> list[list[Stream]]:
    """Give each runner about the same work, the longest streams first."""
    shares: list[list[Stream]] = [[] for _ in range(runners)]
    for stream in sorted(streams, key=lambda stream: -stream.seconds):
        min(shares, key=lambda mine: sum(s.seconds for s in mine)).append(stream)
    return [mine for mine in shares if mine]
