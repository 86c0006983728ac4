"""However long texts are, an iteration takes the time it is allowed, and nobody takes a long one for a stuck one."""

import pytest

from tests.slow_model import PASS_SECONDS, slow_predictor, words
from textsieve.worker.errors import BrokerUnavailable, PublishFailed
from textsieve.worker.inference.prediction.cache import CachingPredictor
from textsieve.worker.meters import PredictorMeter
from textsieve.worker.testing import ManualClock, MemoryLog

MAX_SECONDS = 1.0
STUCK_SECONDS = 2 * PASS_SECONDS
SHORT = [words(20)] * 640
LONG = [words(256 + number % 257) for number in range(640)]
STREAMS = {"short, then long": SHORT + LONG, "long, then short": LONG + SHORT, "mixed": (LONG[:40] + SHORT[:80]) * 4}


def log_of(texts: list[str]) -> MemoryLog:
    return MemoryLog.of("in", [f'{{"text": "{text}"}}'.encode() for text in texts], partitions=3)


@pytest.fixture
def slow_worker(make_worker):
    """A worker whose model is slow by the clock of its loop."""

    def make(log, *, max_seconds=MAX_SECONDS, cached=False):
        clock = ManualClock(100.0)
        model = slow_predictor(clock)
        model = CachingPredictor(model, messages=2000) if cached else model
        model.max_seconds = max_seconds
        worker = make_worker(
            log, clock=clock, predictor=model, max_batch_records=1000, max_iteration_seconds=MAX_SECONDS, k=2
        )
        model.meter = PredictorMeter(worker.metrics, worker.health, clock)
        worker.loop.events.health.started = True
        return worker

    return make


def iterations(worker, results):
    """Seconds of each turn until there are so many results."""
    times = []
    while len(worker.log.results) < results:
        began = worker.clock()
        worker.loop.turn()
        times.append(worker.clock() - began)
        worker.clock.advance(0.001)
        assert len(times) < 5000
    return times


def in_flight(worker) -> float:
    return worker.metrics.registry.get_sample_value("textsieve_in_flight_messages")


@pytest.mark.parametrize("cached", [False, True])
@pytest.mark.parametrize("stream", STREAMS)
def test_no_iteration_exceeds_its_time_by_more_than_one_device_batch(slow_worker, stream, cached):
    worker = slow_worker(log_of(STREAMS[stream]), cached=cached)

    times = iterations(worker, len(STREAMS[stream]))

    assert max(times) <= MAX_SECONDS + PASS_SECONDS


def test_every_message_of_a_stream_that_is_cut_is_answered_once_and_in_order(slow_worker):
    log = log_of(STREAMS["short, then long"])
    worker = slow_worker(log)

    iterations(worker, len(STREAMS["short, then long"]))

    for partition, records in log.records.items():
        assert list(range(len(records))) == [result.offset for result in log.results if result.source == partition]


@pytest.mark.parametrize("fault", ["publish", "settle", "recover", "poll", "generation"])
def test_what_was_kept_is_read_again_after_a_fault_and_every_message_is_accounted_for(slow_worker, fault):
    log = log_of(LONG[:200])
    worker = slow_worker(log)
    worker.turns(2)  # the first batch was cut, and so will be the second
    if fault == "generation":
        log.generation += 1
    elif fault == "poll":
        worker.source.fail_next["poll"] = BrokerUnavailable("away")
    else:
        worker.sink.fail_next[fault] = PublishFailed("not acked in time")
        log.generation += fault == "recover"

    found = []
    while len(log.results) < 200 or len(found) < 60:
        worker.turns(1)
        found.append(in_flight(worker))

    assert {200} == {len(log.results), len({(result.source, result.offset) for result in log.results})}
    assert (True, 0) == (all(0 <= messages <= 200 for messages in found), found[-1])


def test_a_batch_may_take_long_while_the_model_answers(slow_worker):
    worker = slow_worker(log_of(LONG), max_seconds=None)  # a predictor that cannot be kept short
    engine = worker.predictor._engine
    alive = []
    answer = engine.embed_and_classify
    worker.predictor._engine = Observed(answer, lambda: alive.append(is_alive(worker)))

    iterations(worker, 64)

    assert all(alive)
    assert worker.clock() - 100.0 > 2 * STUCK_SECONDS


def test_a_model_that_answers_no_more_is_stuck(slow_worker):
    worker = slow_worker(log_of(LONG))
    iterations(worker, 10)

    worker.clock.advance(STUCK_SECONDS)

    assert not is_alive(worker)


def is_alive(worker) -> bool:
    return worker.health.alive(now=worker.clock(), stuck_after_seconds=STUCK_SECONDS)


class Observed:
    """An engine that is looked at before its answer is handed on."""

    def __init__(self, answer, look):
        self.answer = answer
        self.look = look

    def embed_and_classify(self, batch):
        answers = self.answer(batch)
        self.look()
        return answers
