"""What the outside sees of a stream: numbers that add up at every scrape, and nothing of what the texts say."""

import threading
from contextlib import suppress

import pytest
import structlog
from hypothesis import given
from hypothesis import settings as given_settings
from hypothesis import strategies as st

from tests.unit.worker.conftest import MemoryWorker
from textsieve.worker.errors import BrokerUnavailable, OwnershipLost, PredictorError, PublishFailed, WorkerStopped
from textsieve.worker.records import Partition, Record
from textsieve.worker.streams import Poll
from textsieve.worker.testing import MemoryLog

TEXTS = [f'{{"text": "word{i % 7} word{i % 5} message {i}"}}'.encode() for i in range(40)]
BAD = b"not json"


@pytest.fixture
def make_worker(at_least_once):
    """What happens when is told for one guarantee: with the other a batch counts one turn later."""
    return at_least_once


class Scrape:
    """All samples of one collection, or those of some metrics alone, which takes a tenth of the time."""

    def __init__(self, worker, *only):
        registry = worker.metrics.registry
        families = list((registry.restricted_registry(only) if only else registry).collect())
        self.samples = [sample for family in families for sample in family.samples]

    def total(self, name, **labels):
        """The sum over all series that have these labels."""
        name = f"textsieve_{name}"
        return sum(s.value for s in self.samples if s.name == name and labels.items() <= s.labels.items())

    def series(self, name):
        return [s for s in self.samples if s.name == f"textsieve_{name}"]

    def missing(self):
        """Messages that were consumed and ended nowhere; must be 0."""
        consumed = self.total("consumed_messages_total")
        return consumed - self.total("processed_messages_total") - self.total("in_flight_messages")


BALANCE = [
    f"textsieve_{name}" for name in ("consumed_messages_total", "processed_messages_total", "in_flight_messages")
]


class Scraping:
    """Stands in front of a part and looks at the metrics at every call."""

    def __init__(self, worker, part):
        self._worker, self._part = worker, part

    def __getattr__(self, name):
        assert 0 == Scrape(self._worker, *BALANCE).missing()
        return getattr(self._part, name)


FAULTS = {
    "poll": ("source", BrokerUnavailable("away")),
    "rewind": ("source", OwnershipLost("gone")),
    "fence": ("source", OwnershipLost("gone")),
    "commit": ("source", BrokerUnavailable("away")),
    "publish": ("sink", PublishFailed("unknown", reason="timeout")),
    "recover": ("sink", BrokerUnavailable("away")),
}
STEPS = st.sampled_from([*FAULTS, "turn", "land", "regroup", "store away", "store back", "model fails", "scrape"])


@given(st.lists(STEPS, max_size=30), st.integers(0, 10))
@given_settings(max_examples=60)
def test_every_consumed_message_is_answered_dropped_or_in_flight_at_every_scrape(steps, landed):
    log = MemoryLog.of("in", [*TEXTS[:13], BAD, *TEXTS[13:], None], partitions=2)
    worker = MemoryWorker(log)
    worker.loop.source, worker.loop.sink = Scraping(worker, worker.source), Scraping(worker, worker.sink)
    worker.ask(Scraping(worker, worker.predictor))

    for step in steps:
        if step in FAULTS:
            part, error = FAULTS[step]
            getattr(worker, part).fail_next[step] = error
        worker.sink.land = landed if step == "land" else worker.sink.land
        log.generation += step == "regroup"
        worker.store.away = {"store away": True, "store back": False}.get(step, worker.store.away)
        worker.predictor.fail_on = "e" if step == "model fails" else None
        worker.predictor.failure = PredictorError("boom")
        with suppress(WorkerStopped):
            worker.turns(1)
        assert 0 == Scrape(worker, *BALANCE).missing()

    worker.store.away, worker.predictor.fail_on, worker.sink.land = False, None, None
    worker.source.fail_next.clear()
    worker.sink.fail_next.clear()
    worker.drain()
    scrape = Scrape(worker)
    assert 0 == scrape.missing() == scrape.total("in_flight_messages")
    assert scrape.total("processed_messages_total", outcome="ok") <= len(log.results)
    assert scrape.total("processed_messages_total", outcome="ok") == scrape.total("predictions_total")
    assert scrape.total("processed_messages_total", outcome="dead_letter") == scrape.total("dead_letter_messages_total")


def test_a_scrape_from_another_thread_never_sees_half_an_event(make_worker):
    worker = make_worker(MemoryLog.of("in", TEXTS * 20, partitions=3), max_batch_records=7)
    done, found = threading.Event(), []

    def scrape():
        while not done.is_set():
            found.append(Scrape(worker).missing())

    thread = threading.Thread(target=scrape)
    thread.start()
    worker.drain()
    done.set()
    thread.join()

    assert {0} == set(found)


def test_messages_published_before_are_counted_as_such_and_not_as_predictions_again(make_worker):
    worker = make_worker(MemoryLog.of("in", [*TEXTS[:10], BAD]), max_batch_records=11)
    worker.turns(1)
    worker.sink.land = 5  # the dead letter and four results

    worker.drain()

    scrape = Scrape(worker)
    assert 5 == scrape.total("processed_messages_total", outcome="already_published")
    assert 11 == scrape.total("processed_messages_total", outcome="dropped")
    assert 6 == scrape.total("predictions_total") == scrape.total("end_to_end_latency_seconds_count")
    assert 0 == scrape.total("dead_letter_messages_total")
    assert 1 == scrape.total("produce_errors_total", reason="other")


def test_partitions_that_went_leave_no_series(make_worker):
    log = MemoryLog.of("in", TEXTS, partitions=4)
    worker = make_worker(log)
    worker.turns(2)
    before = {sample.labels["partition"] for sample in Scrape(worker).series("consumer_lag_messages")}

    worker.source.owned = {Partition("in", 1)}
    log.generation += 1
    worker.turns(3)

    scrape = Scrape(worker)
    assert {"0", "1", "2", "3"} == before
    assert ["1"] == [sample.labels["partition"] for sample in scrape.series("consumer_lag_messages")]
    assert ["1"] == [sample.labels["partition"] for sample in scrape.series("consumer_lag_seconds")]
    assert 1 == scrape.total("assigned_partitions")
    assert 1 == scrape.total("rebalances_total", event="revoked")
    assert 2 == scrape.total("rebalances_total", event="assigned")


def test_between_two_generations_no_partition_looks_stuck(make_worker):
    log = MemoryLog.of("in", TEXTS)
    worker = make_worker(log)
    worker.turns(2)
    worker.source.fail_next["rewind"] = BrokerUnavailable("away")
    log.generation += 1

    worker.turns(1)

    assert [] == Scrape(worker).series("consumer_lag_messages")


def test_beginning_again_after_a_fault_is_no_rebalance(make_worker):
    worker = make_worker(MemoryLog.of("in", TEXTS))
    worker.turns(1)
    worker.sink.fail_next["publish"] = PublishFailed("unknown")

    worker.drain()

    assert 1 == Scrape(worker).total("rebalances_total")


def test_a_refused_commit_counts_as_lost_ownership(make_worker):
    worker = make_worker(MemoryLog.of("in", TEXTS))
    worker.turns(1)
    worker.source.fail_next["commit"] = OwnershipLost("gone")

    worker.drain()

    assert 1 == Scrape(worker).total("rebalances_total", event="lost")


def test_lag_in_seconds_is_the_age_of_the_oldest_message_not_finished(make_worker):
    log = MemoryLog.of("in", [])
    for offset in range(20):
        log.records.setdefault(Partition("in", 0), []).append(
            Record("in", 0, offset, None, TEXTS[offset], timestamp_ms=90_000 + 100 * offset)
        )
    worker = make_worker(log)  # its wall clock stands at 100 s
    worker.turns(2)
    behind = Scrape(worker).total("consumer_lag_seconds")

    worker.turns(3)

    assert pytest.approx(100.1 - 90.9) == behind  # ten are finished, the tenth came at 90.9
    assert 0 == Scrape(worker).total("consumer_lag_seconds")


def test_latency_carries_the_slowest_message_of_the_batch_and_never_its_text(make_worker):
    log = MemoryLog.of("in", [])
    stamps = [99_990, 40_000, 99_000]
    log.records[Partition("in", 0)] = [
        Record("in", 0, offset, None, b'{"text": "secret"}', stamp) for offset, stamp in enumerate(stamps)
    ]
    worker = make_worker(log)
    worker.turns(2)

    examples = [s.exemplar for s in Scrape(worker).series("end_to_end_latency_seconds_bucket") if s.exemplar]

    assert [{"topic": "in", "partition": "0", "offset": "1"}] == [example.labels for example in examples]
    assert pytest.approx(60.1) == examples[0].value


def test_messages_from_the_future_are_counted_and_have_no_latency(make_worker):
    log = MemoryLog.of("in", [])
    log.records[Partition("in", 0)] = [Record("in", 0, 0, None, TEXTS[0], 999_000, (), "LogAppendTime")]
    worker = make_worker(log)

    worker.turns(2)

    scrape = Scrape(worker)
    assert 1 == scrape.total("clock_skew_messages_total")
    assert 1 == scrape.total("end_to_end_latency_seconds_bucket", timestamp_type="LogAppendTime", le="0.01")


def test_clusters_are_described_after_a_learn(make_worker):
    worker = make_worker(MemoryLog.of("in", TEXTS))

    worker.drain()

    scrape = Scrape(worker)
    assert 3 == scrape.total("clusters")
    assert 40 == scrape.total("cluster_members")
    assert worker.store.snapshot is not None
    assert worker.store.snapshot.version == scrape.total("centroid_version")
    assert 0 < scrape.total("cluster_inertia") < 4
    assert scrape.total("centroid_shift_count") == worker.store.snapshot.version - 1


def test_results_from_before_the_seeding_have_no_distance(make_worker):
    worker = make_worker(MemoryLog.of("in", TEXTS), seed_size=30)

    worker.drain()

    scrape = Scrape(worker)
    assert scrape.total("cluster_distance_count") < scrape.total("predictions_total")
    assert 0 == scrape.total("cluster_distance_bucket", le="0.1")


def test_an_absent_store_shows_and_so_does_what_its_absence_cost(make_worker):
    worker = make_worker(MemoryLog.of("in", TEXTS), max_pending_bytes=500)
    up = Scrape(worker).total("store_up")
    worker.store.away = True
    worker.turns(10)
    away = Scrape(worker)
    worker.store.away = False
    worker.drain()

    back = Scrape(worker)
    assert (1, 0, 1) == (up, away.total("store_up"), back.total("store_up"))
    assert 0 < away.total("unlearned_messages_total") == back.total("unlearned_messages_total")
    assert len(worker.log.results) == back.total("learned_messages_total") + back.total("unlearned_messages_total")


def test_waiting_for_an_absent_broker_is_idle_time(make_worker):
    worker = make_worker(MemoryLog.of("in", TEXTS))
    worker.source.fail_next["poll"] = BrokerUnavailable("away")
    began = worker.clock.now

    worker.turns(1)

    assert pytest.approx(worker.clock.now - began - 0.1) == Scrape(worker).total("busy_seconds_total", state="idle")


def test_a_worker_that_has_just_started_does_not_look_stuck(make_worker):
    worker = make_worker(MemoryLog.of("in", TEXTS))

    assert 100 == Scrape(worker).total("last_progress_timestamp_seconds")


def test_a_store_that_is_away_is_an_error_of_synchronisation(make_worker):
    worker = make_worker(MemoryLog.of("in", TEXTS))
    worker.turns(2)
    worker.store.away = True

    worker.turns(3)

    assert Scrape(worker).total("centroid_sync_errors_total") >= 1


@pytest.fixture
def outside():
    """A worker that nothing has happened to."""
    return MemoryWorker(MemoryLog({Partition("in", 0): []}))


def test_a_wait_for_a_place_in_the_group_is_told_while_it_lasts(outside):
    with structlog.testing.capture_logs() as lines:
        for now in range(15):
            outside.loop.events.polled(Poll(joined=False), wanted=0, now=float(now))
        outside.loop.events.polled(Poll(), wanted=0, now=15.0)

    waited = [(line["event"], line["waited_seconds"]) for line in lines]
    waiting = "waiting for a place in the consumer group"
    assert [(waiting, 3), (waiting, 13), ("in the consumer group again", 15)] == waited


def test_a_broker_that_stays_away_is_told_again_with_what_is_the_matter_now(outside):
    with structlog.testing.capture_logs() as lines:
        for trouble in ("first", "second", "third"):
            outside.loop.events.broker(BrokerUnavailable(trouble))
            outside.clock.advance(6.0)
        outside.loop.events.broker(None)

    assert ["first", "third"] == [line["error"] for line in lines if "waiting" in line["event"]]
    assert "broker back" == lines[-1]["event"]
