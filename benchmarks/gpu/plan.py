"""How much is measured: all of it, or as little as shows that everything runs."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Plan:
    """Sizes, rounds and seconds.

    Attributes:
        compared: texts that agreement is taken on.
        texts: that the engine alone is timed on, sorted together.
        looped: of these, for the loops that tokenise.
        budgets: tokens of a device batch.
        polls: messages that are answered together.
        seconds: of one round of one arm, at least one lap over its texts.
        workers: numbers of workers.
        messages: in the topic that the workers read; more than the fastest answers in its window.
        variants: whether single workers with other settings are measured as well.
        settle_seconds: from when all own partitions until the window: the pace settles, clusters are seeded.
        warm_messages: that a worker answers before its latency is looked at.
        slices, slice_seconds: the window of an arm, and into how many parts it is cut.
        roof_size, roof_bytes: of the product and of the copy that the roof is taken from.
    """

    compared: int
    texts: int
    looped: int
    budgets: tuple[int, ...]
    polls: tuple[int, ...]
    rounds: int
    seconds: float
    workers: tuple[int, ...]
    messages: int
    variants: bool
    settle_seconds: float
    slices: int
    slice_seconds: float
    latency_seconds: float
    warm_messages: int
    roof_size: int
    roof_bytes: int


FULL = Plan(
    compared=4000,
    texts=16_000,
    looped=4000,
    budgets=(1024, 4096, 16_384, 32_768, 65_536),
    polls=(1000, 4000),
    rounds=5,
    seconds=0.3,
    workers=(1, 4, 8),
    messages=1_600_000,
    variants=True,
    settle_seconds=6.0,
    slices=5,
    slice_seconds=1.5,
    latency_seconds=8.0,
    warm_messages=60_000,
    roof_size=8192,
    roof_bytes=2 << 30,
)
QUICK = Plan(
    compared=40,
    texts=200,
    looped=100,
    budgets=(512, 2048),
    polls=(100,),
    rounds=2,
    seconds=0.05,
    workers=(1,),
    messages=6000,
    variants=False,
    settle_seconds=1.0,
    slices=2,
    slice_seconds=1.0,
    latency_seconds=2.0,
    warm_messages=300,
    roof_size=512,
    roof_bytes=1 << 20,
)
