import json
from collections import Counter as Tally
from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec
import pytest

from textsieve.worker.campaigns.alarm_records import described, label_mix, top_terms
from textsieve.worker.campaigns.alarms import Alarm
from textsieve.worker.campaigns.bursts import BUCKET_MS, HALF_LIFE_BUCKETS, BurstState
from textsieve.worker.campaigns.counts import BucketCounts, message_counts
from textsieve.worker.campaigns.watcher import (
    BACKLOG_BUCKETS,
    LEASE_MS,
    MAX_BUCKETS,
    AlarmWatcher,
    WatchState,
)
from textsieve.worker.counting.counters import Counter
from textsieve.worker.errors import StoreUnavailable
from textsieve.worker.records import Partition, Position
from textsieve.worker.testing import MemoryAlarmStore, MemoryCounterStore

IN = Partition("in", 0)
FIRST = 10_000  # bucket
PAST = FIRST + HALF_LIFE_BUCKETS + 20


def describe(alarm: Alarm, counts: Mapping[int, BucketCounts]) -> bytes:
    return json.dumps([alarm.state, alarm.id, alarm.size, dict(label_mix(alarm.campaign, counts))]).encode()


@dataclass
class World:
    """Counters that all workers fill, and the alarms they share."""

    counters: MemoryCounterStore = field(default_factory=MemoryCounterStore)
    alarms: MemoryAlarmStore = field(default_factory=MemoryAlarmStore)
    now_ms: int = 0
    _offset: int = 0

    def __post_init__(self) -> None:
        self.alarms.now_ms = lambda: self.now_ms

    def watcher(self, owner: str = "anna") -> AlarmWatcher:
        return AlarmWatcher(self.counters, self.alarms, owner=owner, describe=describe, now_ms=lambda: self.now_ms)

    def count(self, bucket: int, campaigns: Mapping[str, int], *, others: int = 20, source: Partition = IN) -> None:
        ids = [campaign for campaign, count in campaigns.items() for _ in range(count)] + [None] * others
        counted: Tally[Counter] = Tally()
        for campaign in ids:
            counted.update(dict(message_counts(source, bucket * BUCKET_MS, campaign, "spam")))
        before, self._offset = self.counters.marks().get(source), self._offset + len(ids)
        self.counters.add(source, counted, expected=before, mark=Position(self._offset, "life"))
        self.now_ms = max(self.now_ms, (bucket + 1) * BUCKET_MS)

    def told(self, watcher: AlarmWatcher, bucket: int) -> list[tuple[str, str]]:
        looked = watcher.look({IN: bucket * BUCKET_MS})
        return [] if looked is None else [(alarm.state, alarm.campaign) for alarm in looked]

    def live(self, watcher: AlarmWatcher, first: int, end: int) -> None:
        """Ordinary messages, and nothing is told of them."""
        for bucket in range(first, end):
            self.count(bucket, {"old": 2})
            assert [] == self.told(watcher, bucket)


@pytest.fixture
def world() -> World:
    return World()


def test_a_new_campaign_is_told_at_the_next_look(world: World) -> None:
    watcher = world.watcher()
    world.live(watcher, FIRST, PAST)
    world.count(PAST, {"new": 9})

    assert [("open", "new")] == world.told(watcher, PAST)
    assert [] == world.told(watcher, PAST)
    (alarm,) = map(json.loads, world.alarms.outbox())
    assert ["open", f"new/{PAST - 2}", 9, {"spam": 9}] == alarm


def test_an_alarm_is_closed_when_all_is_quiet_again(world: World) -> None:
    watcher = world.watcher()
    world.live(watcher, FIRST, PAST)
    world.count(PAST, {"new": 9})
    world.told(watcher, PAST)
    told = []
    for bucket in range(PAST + 1, PAST + 30):
        world.count(bucket, {"old": 2})
        told += world.told(watcher, bucket)

    assert [("closed", "new")] == told


def test_an_alarm_of_a_known_campaign_has_all_messages_since_its_onset(world: World) -> None:
    watcher = world.watcher()
    for bucket in range(FIRST, PAST + 40):
        world.count(bucket, {"old": 40 if PAST <= bucket < PAST + 6 else int(bucket < PAST)}, others=200)
        world.told(watcher, bucket)

    told = [(state, size) for state, _, size, _ in map(json.loads, world.alarms.outbox())]
    assert [("open", 42), ("grow", 122), ("closed", 242)] == told


def test_another_worker_goes_on_where_the_first_one_died(world: World) -> None:
    world.live(world.watcher("anna"), FIRST, PAST)
    world.count(PAST, {"new": 9})
    other = world.watcher("ben")

    assert [] == world.told(other, PAST)  # the lease is not over
    world.now_ms += LEASE_MS
    assert [("open", "new")] == world.told(other, PAST)
    assert [] == world.told(world.watcher("anna"), PAST)


def test_an_alarm_that_was_told_is_not_told_again_after_a_restart(world: World) -> None:
    world.live(world.watcher(), FIRST, PAST)
    world.count(PAST, {"new": 9})
    world.told(world.watcher(), PAST)

    assert [] == world.told(world.watcher(), PAST)
    assert 1 == len(world.alarms.outbox())


def test_a_stream_that_rested_for_a_day_is_followed_again(world: World) -> None:
    watcher = world.watcher()
    world.live(watcher, FIRST, FIRST + 20)
    again = FIRST + 8640

    world.live(watcher, again, again + HALF_LIFE_BUCKETS)
    world.count(again + HALF_LIFE_BUCKETS, {"new": 9})

    assert [("open", "new")] == world.told(watcher, again + HALF_LIFE_BUCKETS)


def test_a_backlog_that_was_counted_before_the_first_look_is_learned(world: World) -> None:
    for bucket in range(FIRST, PAST):
        world.count(bucket, {"old": 2})
    watcher = world.watcher()
    for _ in range(3):  # an hour at a look
        watcher.look({IN: (PAST - 1) * BUCKET_MS}, earliest_ms=FIRST * BUCKET_MS)
    world.count(PAST, {"new": 9})

    assert [("open", "new")] == world.told(watcher, PAST)


def test_nothing_is_looked_at_before_anything_was_counted(world: World) -> None:
    assert world.watcher().look({}) is None


def test_a_worker_without_partitions_leaves_the_lease_to_others(world: World) -> None:
    standby, watcher = world.watcher("standby"), world.watcher()
    assert standby.look({}) is None
    world.live(watcher, FIRST, PAST)
    world.count(PAST, {"new": 9})

    assert standby.look({}) is None
    assert [("open", "new")] == world.told(watcher, PAST)


def test_a_worker_whose_partitions_are_quiet_looks_at_what_others_count(world: World) -> None:
    quiet, busy = world.watcher("quiet"), world.watcher("busy")
    world.live(quiet, FIRST, PAST)
    told = []
    for bucket in range(PAST, PAST + 5):
        world.count(bucket, {"new": 9})
        assert [] == world.told(busy, bucket)  # it has no lease
        told += world.told(quiet, PAST - 1)

    assert ("open", "new") == told[0]


def test_a_timestamp_in_the_future_makes_no_alarm_wait_for_that_time(world: World) -> None:
    watcher = world.watcher()
    world.live(watcher, FIRST, PAST)
    for _ in range(5):
        world.now_ms += 10_000
        watcher.look({IN: PAST * BUCKET_MS * 1000})  # microseconds
    world.count(PAST + 5, {"new": 9})

    assert [("open", "new")] == world.told(watcher, PAST + 5)


@pytest.mark.parametrize("saved", [b"{", b"\xff", b'{"first": "soon"}'])
def test_a_state_that_cannot_be_read_is_begun_anew(world: World, saved: bytes) -> None:
    world.live(world.watcher(), FIRST, FIRST + 20)
    world.alarms.save("anna", saved, [])
    watcher = world.watcher()
    world.live(watcher, FIRST + 20, PAST + 40)
    world.count(PAST + 40, {"new": 9})

    assert [("open", "new")] == world.told(watcher, PAST + 40)


def test_a_store_whose_clock_was_ahead_is_begun_anew(world: World) -> None:
    world.live(world.watcher(), FIRST, FIRST + 20)
    ahead = WatchState(first=10 * FIRST, bursts=BurstState(10 * FIRST, 400, 1000.0, {}, ()))
    world.alarms.save("anna", msgspec.json.encode(ahead), [])
    watcher = world.watcher()
    world.live(watcher, FIRST + 20, PAST + 40)
    world.count(PAST + 40, {"new": 9})

    assert [("open", "new")] == world.told(watcher, PAST + 40)


def test_new_campaigns_are_told_though_a_partition_has_been_two_hours_behind_for_an_hour(world: World) -> None:
    watcher, lagging, end = world.watcher(), Partition("in", 1), PAST + MAX_BUCKETS + 10
    world.live(watcher, FIRST, PAST)
    for bucket in range(PAST, end + 1):
        behind = bucket - 2 * HALF_LIFE_BUCKETS
        world.count(bucket, {"new": 9} if bucket == end else {"old": 2})
        world.count(behind, {}, source=lagging)
        looked = watcher.look({IN: bucket * BUCKET_MS, lagging: behind * BUCKET_MS})

    assert looked is not None
    assert [("open", "new")] == [(alarm.state, alarm.campaign) for alarm in looked]


def test_buckets_whose_counts_come_after_an_outage_are_not_taken_as_empty(world: World) -> None:
    watcher = world.watcher()
    world.live(watcher, FIRST, PAST)
    world.now_ms = (PAST + 30) * BUCKET_MS
    assert [] == world.told(watcher, PAST + 29)  # read, and not counted yet
    for bucket in range(PAST, PAST + 30):
        world.count(bucket, {"new": 9} if bucket < PAST + 6 else {"old": 2})
    told = []
    for bucket in range(PAST + 30, PAST + 45):
        world.count(bucket, {"old": 2})
        told += world.told(watcher, bucket)

    assert ("open", "new") == told[0]


def test_partitions_whose_counts_come_last_after_an_outage_are_waited_for(world: World) -> None:
    watcher, other = world.watcher(), Partition("in", 1)
    for bucket in range(FIRST, PAST):
        world.count(bucket, {"old": 2}, source=other)
        world.live(watcher, bucket, bucket + 1)
    world.alarms.away = True
    with pytest.raises(StoreUnavailable):
        world.told(watcher, PAST)
    world.alarms.away = False
    for bucket in range(PAST, PAST + 30):
        world.count(bucket, {"old": 2})
    assert [] == world.told(watcher, PAST + 29)
    for bucket in range(PAST, PAST + 30):
        world.count(bucket, {"new": 9} if bucket < PAST + 6 else {}, source=other)

    assert ("open", "new") in world.told(watcher, PAST + 29)


def test_one_old_timestamp_is_not_where_the_first_look_begins(world: World) -> None:
    for bucket in range(PAST - BACKLOG_BUCKETS - 10, PAST):
        world.count(bucket, {"old": 2})
    watcher = world.watcher()
    for _ in range(BACKLOG_BUCKETS // 360 + 1):
        watcher.look({IN: (PAST - 1) * BUCKET_MS}, earliest_ms=0)
    world.count(PAST, {"new": 9})

    assert [("open", "new")] == world.told(watcher, PAST)


def test_the_state_is_asked_for_once(world: World) -> None:
    watcher = world.watcher()
    world.live(watcher, FIRST, PAST)
    world.alarms.states_given = 0
    world.live(watcher, PAST, PAST + 20)

    assert 0 == world.alarms.states_given


def test_a_look_at_a_store_that_is_away_is_made_up_for(world: World) -> None:
    watcher = world.watcher()
    world.live(watcher, FIRST, PAST)
    world.count(PAST, {"new": 9})
    world.alarms.away = True
    with pytest.raises(StoreUnavailable):
        world.told(watcher, PAST)
    world.alarms.away = False

    assert [("open", "new")] == world.told(watcher, PAST)


def test_an_alarm_on_the_wire_says_what_people_want_to_know() -> None:
    alarm = Alarm("c1/7", "open", "c1", 9, 0.33333, 0.00000012, 1e-9, 70_000, 100_000)

    record = described(alarm, labels={"spam": 9}, senders=4, samples=["your parcel waits", "your parcel is held"])

    assert (0.3333, 0.0, 4, {"spam": 9}) == (record.rate, record.baseline, record.senders, record.labels)
    assert ["parcel", "your", "waits", "held"] == record.terms


def test_terms_are_the_words_that_most_samples_have() -> None:
    assert ["prize"] == top_terms(["win a prize now", "prize for u"], terms=1)
    assert [] == top_terms([])
