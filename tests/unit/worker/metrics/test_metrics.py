"""The catalogue is complete from the start, small, and named as Prometheus expects."""

import re
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import Metric

from textsieve.worker.metrics import ConsistentRegistry, Metrics
from textsieve.worker.metrics.definition import (
    BATCH,
    CONFIDENCE,
    DISTANCE,
    LATENCY_SECONDS,
    OUTCOMES,
    SHIFT,
    STAGE_SECONDS,
    STAGES,
    TOKENS,
)
from textsieve.worker.metrics.histogram import BatchHistogram
from textsieve.worker.records import REASONS

BUCKETS = {
    "latency": LATENCY_SECONDS,
    "stage": STAGE_SECONDS,
    "tokens": TOKENS,
    "batch": BATCH,
    "confidence": CONFIDENCE,
    "distance": DISTANCE,
    "shift": SHIFT,
}
LABEL_NAMES = {  # all bounded
    *("topic", "partition", "outcome", "reason", "label", "kind", "operation", "stage", "le", "step", "state", "cause"),
    *("event", "signal", "cluster", "timestamp_type", "result"),
}
OF_INFO = {"name", "version", "max_tokens", "engine", "python", "torch"}


@pytest.fixture
def metrics() -> Metrics:
    found = Metrics(registry=ConsistentRegistry(), labels=("ham", "spam"), reasons=REASONS)
    found.model.info({"name": "sms-spam", "version": "1", "max_tokens": "256", "engine": "onnx int8"})
    found.build.info({"version": "1", "python": "3", "torch": "2"})
    return found


def families(metrics: Metrics) -> Iterator[Metric]:
    return iter(metrics.registry.collect())


def values(metrics: Metrics, name: str, label: str) -> set[str]:
    return {
        sample.labels[label]
        for family in families(metrics)
        for sample in family.samples
        if sample.name == f"textsieve_{name}"
    }


def buckets(histogram: BatchHistogram | Histogram) -> list[tuple[str, str | None, float]]:
    (family,) = histogram.collect()
    return [
        (sample.name, sample.labels.get("le"), pytest.approx(sample.value, abs=1e-6))
        for sample in family.samples
        if not sample.name.endswith("_created")
    ]


@given(
    st.sampled_from(sorted(BUCKETS)),
    st.lists(
        st.lists(st.floats(-10, 10_000) | st.sampled_from([*TOKENS, *CONFIDENCE, *DISTANCE]), max_size=20), max_size=5
    ),
)
def test_a_batch_histogram_equals_the_librarys_bucket_for_bucket(name, batches):
    ours = BatchHistogram("textsieve_x", "help", buckets=BUCKETS[name])
    theirs = Histogram("textsieve_x", "help", buckets=BUCKETS[name], registry=None)

    for batch in batches:
        ours.observe(batch)
        for value in batch:
            theirs.observe(value)

    assert buckets(theirs) == buckets(ours)


def test_a_batch_histogram_is_written_like_the_librarys():
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    ours.register(mine := BatchHistogram("textsieve_x", "help", buckets=CONFIDENCE))
    library = Histogram("textsieve_x", "help", buckets=CONFIDENCE, registry=theirs)

    mine.observe([0.25, 0.5])
    library.observe(0.25)
    library.observe(0.5)

    written = [line for line in generate_latest(theirs).splitlines() if b"_created" not in line]
    assert written == generate_latest(ours).splitlines()


@pytest.mark.parametrize("name", sorted(BUCKETS))
def test_buckets_rise(name):
    assert sorted(set(BUCKETS[name])) == list(BUCKETS[name])


@pytest.mark.parametrize(
    ("name", "label", "expected"),
    [
        ("processed_messages_total", "outcome", set(OUTCOMES)),
        ("dead_letter_messages_total", "reason", set(REASONS)),
        ("predictions_total", "label", {"ham", "spam"}),
        ("commits_total", "outcome", {"ok", "error"}),
        ("retries_total", "operation", {"publish", "store", "model", "ownership"}),
        ("stage_duration_seconds_count", "stage", set(STAGES)),
    ],
)
def test_every_value_of_a_label_is_there_before_the_first_event(metrics, name, label, expected):
    assert expected == values(metrics, name, label)


def test_every_counter_ends_in_total_and_nothing_else_does(metrics):
    wrong = [
        sample.name
        for family in families(metrics)
        for sample in family.samples
        if sample.name.endswith("_total") != (family.type == "counter")
    ]

    assert [] == wrong


def test_every_metric_is_ours_in_snake_case_and_has_help(metrics):
    wrong = [
        family.name
        for family in families(metrics)
        if not re.fullmatch(r"textsieve(_[a-z]+)+", family.name) or not family.documentation
    ]

    assert [] == wrong


def test_units_are_base_units(metrics):
    words = {word for family in families(metrics) for word in family.name.split("_")}

    assert set() == words & {"ms", "milliseconds", "minutes", "kb", "mb", "percent", "count"}


def test_no_label_could_hold_a_text_an_id_or_an_offset(metrics):
    names = {
        name
        for family in families(metrics)
        if family.type != "info"
        for sample in family.samples
        for name in sample.labels
    }
    of_info = {n for family in families(metrics) if family.type == "info" for s in family.samples for n in s.labels}

    assert set() == names - LABEL_NAMES
    assert OF_INFO == of_info


def test_two_workers_in_one_process_do_not_share_metrics(metrics):
    other = Metrics(registry=ConsistentRegistry(), labels=("ham", "spam"), reasons=REASONS)

    other.truncated.inc()

    assert 0 == metrics.registry.get_sample_value("textsieve_truncated_messages_total")
