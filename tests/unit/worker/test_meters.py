"""What the model and the store tell the metrics."""

import pytest

from textsieve.worker.errors import StoreUnavailable
from textsieve.worker.health import Health
from textsieve.worker.inference.prediction.cache import CachingPredictor
from textsieve.worker.meters import MeteredStore, PredictorMeter
from textsieve.worker.metrics import ConsistentRegistry, Metrics
from textsieve.worker.testing import HashingPredictor, ManualClock, MemoryCentroidStore


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(registry=ConsistentRegistry(), labels=("ham", "spam"), reasons=("empty_text",))


def value(metrics, name, **labels):
    return metrics.registry.get_sample_value(f"textsieve_{name}", labels)


def test_tokens_are_real_or_padding(metrics):
    predictor = HashingPredictor(meter=PredictorMeter(metrics, Health(), ManualClock()))

    predictor.predict(["one", "one two three"])

    assert 4 == value(metrics, "tokens_total", kind="real")
    assert 2 == value(metrics, "tokens_total", kind="padding")
    assert 1 == value(metrics, "model_duration_seconds_count", step="forward")
    assert 1 == value(metrics, "model_duration_seconds_count", step="tokenize")


def test_a_batch_that_did_not_fit_is_counted(metrics):
    PredictorMeter(metrics, Health(), ManualClock()).out_of_memory()

    assert 1 == value(metrics, "out_of_memory_total")


def test_reading_the_store_is_a_pull_and_writing_a_push(metrics):
    store = MeteredStore(MemoryCentroidStore(), metrics, ManualClock())

    store.revision()
    store.load()
    store.pool()

    assert 2 == value(metrics, "centroid_sync_duration_seconds_count", operation="pull")
    assert 1 == value(metrics, "centroid_sync_duration_seconds_count", operation="push")


def test_a_store_that_does_not_answer_has_no_duration(metrics):
    store = MeteredStore(MemoryCentroidStore(away=True), metrics, ManualClock())

    with pytest.raises(StoreUnavailable):
        store.revision()

    assert 0 == value(metrics, "centroid_sync_duration_seconds_count", operation="pull")


def test_repeats_are_hits_and_the_rest_are_misses(metrics):
    predictor = CachingPredictor(HashingPredictor(), messages=10)
    predictor.meter = PredictorMeter(metrics, Health(), ManualClock())

    predictor.predict(["one", "two", "one"])

    assert 1 == value(metrics, "embedding_cache_requests_total", result="hit")
    assert 2 == value(metrics, "embedding_cache_requests_total", result="miss")
    assert 2 == value(metrics, "tokens_total", kind="real")


def test_every_step_of_the_model_is_a_sign_of_life(metrics):
    clock, health = ManualClock(), Health()
    meter = PredictorMeter(metrics, health, clock)

    clock.advance(3.0)
    meter.tokenized(seconds=1.0)
    tokenized = health.last_step
    clock.advance(4.0)
    meter.passed(seconds=1.0, real_tokens=1, padding_tokens=0)

    assert (3.0, 7.0) == (tokenized, health.last_step)
