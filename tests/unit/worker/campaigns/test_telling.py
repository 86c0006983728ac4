import json
from collections import Counter as Tally
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.resources import files

import pytest
from jsonschema import Draft202012Validator

from textsieve.worker.campaigns.bursts import BUCKET_MS, HALF_LIFE_BUCKETS
from textsieve.worker.campaigns.counts import message_counts
from textsieve.worker.campaigns.sightings import Sightings
from textsieve.worker.campaigns.telling import AlarmTeller
from textsieve.worker.counting.counters import Counter
from textsieve.worker.errors import PublishFailed, StoreUnavailable
from textsieve.worker.records import Partition, Position, Record
from textsieve.worker.redaction import Redactor
from textsieve.worker.testing import MemoryAlarmStore, MemoryCounterStore

IN = Partition("in", 0)
CAMPAIGN = "0123456789ab"


@dataclass
class Broker:
    """Takes alarms, unless it is told to refuse them."""

    away: bool = False
    taken: list[bytes] = field(default_factory=list)

    def publish(self, alarms: Sequence[bytes]) -> None:
        if self.away:
            raise PublishFailed("away")
        self.taken += alarms


@dataclass
class World:
    counters: MemoryCounterStore = field(default_factory=MemoryCounterStore)
    alarms: MemoryAlarmStore = field(default_factory=MemoryAlarmStore)
    sightings: Sightings = field(default_factory=Sightings)
    broker: Broker = field(default_factory=Broker)
    now_ms: int = 0
    offset: int = 0

    def teller(self) -> AlarmTeller:
        return AlarmTeller(
            self.counters,
            self.alarms,
            self.sightings,
            redactor=Redactor.of(["email"]),
            publish=self.broker.publish,
            owner="anna",
            now_ms=lambda: self.now_ms,
        )

    def count(self, bucket: int, campaigns: Sequence[str | None]) -> None:
        time_ms = bucket * BUCKET_MS
        counted: Tally[Counter] = Tally()
        for campaign in campaigns:
            counted.update(dict(message_counts(IN, time_ms, campaign, "spam")))
        before, self.offset = self.counters.marks().get(IN), self.offset + len(campaigns)
        self.counters.add(IN, counted, expected=before, mark=Position(self.offset, "life"))
        records = [Record("in", 0, row, b"sender %d" % row, b"", time_ms) for row in range(len(campaigns))]
        texts = [f"claim {row} at jo@example.org" for row in range(len(campaigns))]
        self.sightings.add(records, texts, campaigns)
        self.now_ms = time_ms


@pytest.fixture
def world() -> World:
    found = World()
    teller = found.teller()
    for bucket in range(HALF_LIFE_BUCKETS + 20):
        found.count(bucket, [None] * 10)
        assert 0 == teller.turn()
    found.count(HALF_LIFE_BUCKETS + 20, [CAMPAIGN] * 9)
    return found


def test_an_alarm_is_published_with_redacted_samples(world: World) -> None:
    assert 1 == world.teller().turn()

    (alarm,) = map(json.loads, world.broker.taken)
    assert ("open", CAMPAIGN, 9, 9, {"spam": 9}) == (
        alarm["state"],
        alarm["campaign"],
        alarm["size"],
        alarm["senders"],
        alarm["labels"],
    )
    assert ["claim 0 at [email]", "claim 1 at [email]", "claim 2 at [email]"] == alarm["samples"]
    assert ["claim"] == alarm["terms"]
    schema = files("textsieve.worker.schemas").joinpath("alarm.schema.json").read_text(encoding="utf-8")
    Draft202012Validator(json.loads(schema)).validate(alarm)


def test_an_alarm_is_published_once(world: World) -> None:
    world.teller().turn()

    assert 0 == world.teller().turn()
    assert 1 == len(world.broker.taken)


def test_an_alarm_waits_for_the_broker(world: World) -> None:
    world.broker.away = True
    with pytest.raises(PublishFailed):
        world.teller().turn()
    world.broker.away = False

    assert 1 == world.teller().turn()
    assert 1 == len(world.broker.taken)


def test_notes_wait_for_the_store(world: World) -> None:
    world.alarms.away = True
    with pytest.raises(StoreUnavailable):
        world.teller().turn()
    world.alarms.away = False

    world.teller().turn()

    (alarm,) = map(json.loads, world.broker.taken)
    assert (9, 3) == (alarm["senders"], len(alarm["samples"]))
