"""Simulated days: groups of ordinary messages with a rhythm of their own, and campaigns that begin among them."""

from collections import Counter as Tally
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from textsieve.worker.campaigns.bursts import BUCKET_MS
from textsieve.worker.campaigns.counts import TTL_SECONDS, message_counts, table
from textsieve.worker.campaigns.watcher import AlarmWatcher
from textsieve.worker.counting.counters import Counter
from textsieve.worker.records import Partition, Position
from textsieve.worker.testing import ManualClock, MemoryAlarmStore, MemoryCounterStore

DAY = 8640  # buckets
GROUPS = 500
PLANTED = 200
PARTITIONS = 4
PER_SECOND = 50  # messages, on average
IN_GROUPS = 0.3  # of all messages
LAG_SECONDS = 1800  # of one partition, at the most
SOON = 20  # messages of a campaign within which it is to be told
FAST = 0.5  # messages a second of campaigns that are looked at by themselves

Kind = Literal["steady", "rhythm", "lag", "restart"]


@dataclass(frozen=True, slots=True)
class Day:
    """What comes.

    Attributes:
        groups: [DAY, PARTITIONS, GROUPS] messages of each group in each bucket.
        others: [DAY, PARTITIONS] messages of no group.
        planted: for each campaign its messages, as second of the day and partition.
    """

    groups: NDArray[np.int32]
    others: NDArray[np.int32]
    planted: Sequence[NDArray[np.int64]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was told.

    Attributes:
        false: groups that were called a burst, each once.
        until: for each planted campaign its messages until it was told; None: never was.
        sizes: messages of each.
        rates: messages a second of each.
    """

    false: int
    until: Sequence[int | None]
    sizes: Sequence[int]
    rates: Sequence[float]


def day(seed: int, kind: Kind) -> Day:
    """A day of messages.

    A group's share in all messages is drawn from a power law, wanders over hours by a factor of e^.3, and in each
    bucket by a Gamma of shape 5; half of the groups write to one partition alone.
    """
    rng = np.random.default_rng(seed)
    shares = rng.permutation(1 / np.arange(1, GROUPS + 1)) * IN_GROUPS
    shares /= np.sum(1 / np.arange(1, GROUPS + 1))
    mood = np.zeros(GROUPS)
    pull = np.exp(-1 / 720)  # 2 hours
    rhythm = 1 + (0 if kind == "steady" else 0.8) * np.sin(2 * np.pi * np.arange(DAY) / DAY)
    spread = np.full((GROUPS, PARTITIONS), 1 / PARTITIONS)
    alone = rng.random(GROUPS) < 1 / 2
    spread[alone] = np.eye(PARTITIONS)[rng.integers(PARTITIONS, size=int(alone.sum()))]
    groups = np.zeros((DAY, PARTITIONS, GROUPS), np.int32)
    for bucket in range(DAY):
        mood = pull * mood + np.sqrt(1 - pull**2) * rng.normal(0, 0.3, GROUPS)
        means = shares * np.exp(mood) * rng.gamma(5, 1 / 5, GROUPS) * PER_SECOND * 10 * rhythm[bucket]
        groups[bucket] = rng.poisson(means[:, None] * spread).T
    others = rng.poisson((1 - IN_GROUPS) * PER_SECOND * 10 / PARTITIONS * rhythm[:, None], (DAY, PARTITIONS))
    return Day(groups, others.astype(np.int32), [_campaign(rng) for _ in range(PLANTED)])


def _campaign(rng: np.random.Generator) -> NDArray[np.int64]:
    """[messages, 2]: second and partition, .3 to 5 messages a second, from the third hour on."""
    size, rate = rng.integers(20, 200), np.exp(rng.uniform(np.log(0.3), np.log(5)))
    seconds = rng.uniform(3 * 3600, 23 * 3600) + np.cumsum(rng.exponential(1 / rate, size))
    return np.stack([seconds.astype(np.int64), rng.integers(PARTITIONS, size=size)], axis=1)


def live(the: Day, kind: Kind) -> Outcome:
    """Go through a day second by second, with the worker's own watcher looking after each."""
    clock = ManualClock()
    counters, alarms = MemoryCounterStore(), MemoryAlarmStore(now_ms=lambda: int(clock() * 1000))
    watcher = _watcher(counters, alarms)
    arrivals = _arrivals(the, kind)
    told: dict[str, int] = {}
    seen: Tally[str] = Tally()
    for second in range(DAY * 10 + LAG_SECONDS):
        clock.now = second
        for bucket, partition, campaigns, messages in arrivals.pop(second, ()):
            _count(counters, bucket, Partition("in", partition), campaigns, messages)
            seen.update({name: count for name, count in campaigns.items() if name.startswith("planted")})
        counters.tables.pop(table(second // 10 - TTL_SECONDS // 10).name, None)
        if kind == "restart" and second == DAY * 5:
            watcher = _watcher(counters, alarms)
        for alarm in watcher.look({Partition("in", 0): second * 1000}) or ():
            told.setdefault(alarm.campaign, seen[alarm.campaign])
    names = [f"planted-{number}" for number in range(len(the.planted))]
    return Outcome(
        false=sum(name.startswith("group") for name in told),
        until=[told.get(name) for name in names],
        sizes=[len(campaign) for campaign in the.planted],
        rates=[len(campaign) / max(1, int(np.ptp(campaign[:, 0]))) for campaign in the.planted],
    )


def _watcher(counters: MemoryCounterStore, alarms: MemoryAlarmStore) -> AlarmWatcher:
    return AlarmWatcher(counters, alarms, owner="worker", describe=lambda _alarm, _counts: b"", now_ms=alarms.now_ms)


def _count(
    counters: MemoryCounterStore, bucket: int, source: Partition, campaigns: Mapping[str, int], messages: int
) -> None:
    """As the loop counts, but for many messages of one campaign at once."""
    counted: dict[Counter, int] = {}
    for campaign, number in campaigns.items():
        of_partition, of_campaign = message_counts(source, bucket * BUCKET_MS, campaign, "spam")
        counted[of_partition[0]] = messages
        counted[of_campaign[0]] = number
    if not campaigns:
        counted[message_counts(source, bucket * BUCKET_MS, None, "")[0][0]] = messages
    held = counters.marks().get(source)
    counters.add(source, counted, expected=held, mark=Position(1 if held is None else held.offset + 1, "day"))


Arrivals = dict[int, list[tuple[int, int, Mapping[str, int], int]]]  # second -> bucket, partition, counts, all


def _arrivals(the: Day, kind: Kind) -> Arrivals:
    """What a worker reads in each second: ordinary messages bucket by bucket, planted ones as they come."""
    arrivals: Arrivals = defaultdict(list)
    for bucket, partition in np.ndindex(DAY, PARTITIONS):
        row = the.groups[bucket, partition]
        counts = {f"group-{group}": int(row[group]) for group in np.flatnonzero(row).tolist()}
        messages = int(row.sum() + the.others[bucket, partition])
        if messages:
            second = bucket * 10 + 9
            arrivals[second + _lag(second, partition, kind)].append((bucket, partition, counts, messages))
    for number, campaign in enumerate(the.planted):
        for second, partition in campaign.tolist():
            arrives = second + _lag(second, partition, kind)
            arrivals[arrives].append((second // 10, partition, {f"planted-{number}": 1}, 1))
    return arrivals


def _lag(second: int, partition: int, kind: Kind) -> int:
    """Seconds that a message waits: partition 1 stands still for half an hour at noon, then it is caught up."""
    begin, caught_up = 12 * 3600, LAG_SECONDS * 3 // 2
    if kind != "lag" or partition != 1 or not begin <= second < begin + caught_up:
        return 0
    since = second - begin
    return LAG_SECONDS - since + since // 3


def summary(outcomes: Sequence[Outcome]) -> Mapping[str, float]:
    """Figures of several days together."""
    until = [count for outcome in outcomes for count in outcome.until]
    rates = [rate for outcome in outcomes for rate in outcome.rates]
    within = [count is not None and count <= SOON for count in until]
    fast = [found for found, rate in zip(within, rates, strict=True) if rate >= FAST]
    told = [count for count in until if count is not None]
    return {
        "days": len(outcomes),
        "false alarms a day": sum(outcome.false for outcome in outcomes) / len(outcomes),
        "planted": len(until),
        "told": len(told) / len(until),
        "told within 20 messages": sum(within) / len(until),
        "of those with a message every 2 s or more": sum(fast) / len(fast),
        "messages until told, median": float(np.median(told)),
        "messages until told, p95": float(np.quantile(told, 0.95)),
    }
