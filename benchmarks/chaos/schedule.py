"""Which events strike which stream, in which order: the same for the same seed."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from benchmarks.chaos.kinds import BY_NAME, CATALOGUE, Kind

EVENTS_PER_STREAM = 8  # more would let one broken stream spoil many events, fewer would mostly start workers
START_SECONDS = 14.0  # roughly what a stream costs beside its events


@dataclass(frozen=True, slots=True)
class Stream:
    """One stream from its first message to its judgement.

    Attributes:
        seed: of its messages and moments.
        names: kinds of its events, in order.
    """

    number: int
    seed: int
    names: tuple[str, ...]

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """Its events, in order."""
        return tuple(BY_NAME[name] for name in self.names)

    @property
    def is_apart(self) -> bool:
        """Whether repeats are expected and counted apart."""
        return any(kind.apart for kind in self.kinds)

    @property
    def seconds(self) -> float:
        """Roughly what it takes."""
        return START_SECONDS + sum(kind.seconds for kind in self.kinds)


def plan(events: int, *, seed: int, kinds: Sequence[Kind] = CATALOGUE) -> list[Stream]:
    """Spread so many events over streams; every kind comes once before any comes twice.

    Args:
        events: how many.
        seed: of the order.
        kinds: to choose from.
    """
    rng = Random(seed)
    drawn: list[Kind] = []
    while len(drawn) < events:
        drawn += rng.sample(kinds, len(kinds))
    drawn = drawn[:events]
    opening = [kind for kind in drawn if kind.opens]
    apart = [kind for kind in drawn if kind.apart]
    others = [kind for kind in drawn if not (kind.opens or kind.apart)]
    streams = max(len(opening), -(-(len(opening) + len(others)) // EVENTS_PER_STREAM))
    heads = [*opening, *[None] * (streams - len(opening))]
    groups = [[*([head] if head else []), *others[number::streams]] for number, head in enumerate(heads)]
    groups += [apart[at : at + EVENTS_PER_STREAM] for at in range(0, len(apart), EVENTS_PER_STREAM)]
    return [
        Stream(number, rng.getrandbits(32), tuple(kind.name for kind in group))
        for number, group in enumerate(group for group in groups if group)
    ]


def share(streams: Sequence[Stream], *, arenas: int) -> list[list[Stream]]:
    """Give each arena about the same work, the longest streams first."""
    shares: list[list[Stream]] = [[] for _ in range(arenas)]
    for stream in sorted(streams, key=lambda stream: -stream.seconds):
        min(shares, key=lambda mine: sum(s.seconds for s in mine)).append(stream)
    return [mine for mine in shares if mine]
