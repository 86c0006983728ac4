"""An alarm as readers of its topic get it."""

from collections import Counter as Tally
from collections.abc import Mapping, Sequence

import msgspec

from textsieve.worker.campaigns.alarms import Alarm
from textsieve.worker.campaigns.counts import BucketCounts


class AlarmRecord(msgspec.Struct, frozen=True):
    """An alarm as it stands on the wire."""

    id: str
    state: str
    campaign: str
    size: int
    rate: float
    baseline: float
    p: float
    first_seen_ms: int
    last_seen_ms: int
    senders: int
    labels: dict[str, int]
    terms: list[str]
    samples: list[str]


def described(alarm: Alarm, *, labels: Mapping[str, int], senders: int, samples: Sequence[str]) -> AlarmRecord:
    """An alarm with what people want to know of its campaign."""
    return AlarmRecord(
        id=alarm.id,
        state=alarm.state,
        campaign=alarm.campaign,
        size=alarm.size,
        rate=round(alarm.rate, 4),
        baseline=round(alarm.baseline, 6),
        p=alarm.p,
        first_seen_ms=alarm.first_seen_ms,
        last_seen_ms=alarm.last_seen_ms,
        senders=senders,
        labels=dict(labels),
        terms=top_terms(samples),
        samples=list(samples),
    )


def label_mix(campaign: str, counts: Mapping[int, BucketCounts]) -> Mapping[str, int]:
    """Messages of each label of a campaign, in the buckets at hand."""
    mix: Tally[str] = Tally()
    for found in counts.values():
        mix.update(found.labels.get(campaign, {}))
    return dict(mix.most_common())


def top_terms(samples: Sequence[str], *, terms: int = 5, shortest: int = 4) -> list[str]:
    """The words that most samples have, longer ones first."""
    having: Tally[str] = Tally()
    for sample in samples:
        having.update({word for word in sample.lower().split() if len(word) >= shortest and word.isalpha()})
    ordered = sorted(having, key=lambda word: (-having[word], -len(word), word))
    return ordered[:terms]
