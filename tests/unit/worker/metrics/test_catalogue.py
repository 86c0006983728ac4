"""The catalogue: what it says is what a worker exports, and nothing else."""

import re
from pathlib import Path

import pytest
from prometheus_client import GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.openmetrics.exposition import generate_latest

from textsieve.worker.metrics import ConsistentRegistry, Metrics
from textsieve.worker.metrics.catalogue import CATALOGUE, GROUPS
from textsieve.worker.metrics.definition import MAX_CLUSTERS, MAX_LABELS, OTHER, PREFIX, Kind
from textsieve.worker.metrics.gpu import GpuCollector
from textsieve.worker.metrics.reference_page import metrics_page
from textsieve.worker.records import REASONS
from textsieve.worker.settings import Settings

ROOT = Path(__file__).parents[4]
ALWAYS = [metric for metric in CATALOGUE.values() if not metric.where]


def build(**changes):
    registry = ConsistentRegistry()
    arguments = {"labels": ("ham", "spam"), "reasons": REASONS, "inputs": ("messages",), "k": Settings().clusters.k}
    return Metrics(registry=registry, **(arguments | changes))


def series(registry):
    return [sample for family in registry.collect() for sample in family.samples]


def test_every_metric_of_the_catalogue_is_exported_and_no_other():
    exported = {family.name for family in build().registry.collect()}

    assert {metric.exported.removesuffix("_total").removesuffix("_info") for metric in ALWAYS} == exported


def test_no_metric_stands_in_two_groups():
    assert len(CATALOGUE) == sum(map(len, GROUPS.values()))


@pytest.mark.parametrize("metric", CATALOGUE.values(), ids=lambda metric: metric.name)
def test_a_name_says_its_unit(metric):
    ends = {"seconds": "_seconds", "bytes": "_bytes", "0..1": "_ratio", "unix seconds": "_timestamp_seconds"}

    assert re.fullmatch(r"[a-z][a-z_]+[a-z]", metric.name)
    assert metric.name.endswith(ends.get(metric.unit, ""))
    assert bool(metric.buckets) == (metric.kind in {Kind.HISTOGRAM, Kind.BATCH_HISTOGRAM})


def test_a_worker_with_12_partitions_2_labels_and_the_default_clusters_exports_under_400_series():
    metrics = build()
    for partition in range(12):
        metrics.lag.labels("messages", partition).set(1)
        metrics.lag_seconds.labels("messages", partition).set(1)
    metrics.model.info({"name": "m", "version": "1", "max_tokens": "256", "engine": "onnx int8"})
    metrics.build.info({"version": "1", "python": "3", "torch": "2"})
    for collect in (ProcessCollector, PlatformCollector, GCCollector):
        collect(registry=metrics.registry)
    metrics.registry.register(GpuCollector(lambda: _Reading))

    assert 300 < len(series(metrics.registry)) < 400


def test_neither_labels_nor_clusters_can_flood_the_scrape():
    many = build(labels=[f"label {i}" for i in range(1000)], k=10_000)
    names = [sample.name for sample in series(many.registry)]

    assert MAX_LABELS + 1 == names.count(f"{PREFIX}predictions_total")
    assert MAX_CLUSTERS + 1 == names.count(f"{PREFIX}cluster_members")


PER_PARTITION = {"consumer_lag_messages", "consumer_lag_seconds"}
IDENTITIES = {"model", "build"}  # are set once, by the composition root


@pytest.mark.parametrize(
    "metric",
    [m for m in ALWAYS if m.label and m.name not in PER_PARTITION | IDENTITIES],
    ids=lambda metric: metric.name,
)
def test_every_value_of_a_label_exists_before_the_first_event(metric):
    given = {
        "consumed_messages": ("messages",),
        "consumed_bytes": ("messages",),
        "produced_messages": ("labels", "dead-letters"),
        "dead_letter_messages": REASONS,
        "predictions": ("ham", "spam"),
        "cluster_members": [*map(str, range(MAX_CLUSTERS)), OTHER],
    }

    found = {
        sample.labels[metric.label]
        for family in build().registry.collect()
        for sample in family.samples
        if family.name == metric.exported.removesuffix("_total")
    }

    assert set(metric.values or given[metric.name]) == found


def test_a_model_whose_labels_are_all_shown_has_no_other():
    values = {sample.labels.get("label") for sample in series(build().registry)}

    assert "other" not in values


class _Reading:
    index = "0"
    memory_bytes = {"used": 1, "reserved": 1, "total": 2}  # noqa: RUF012
    utilization = 0.5


def test_a_gpu_is_exported_as_the_catalogue_says():
    metrics = build()
    metrics.registry.register(GpuCollector(lambda: _Reading))

    found = generate_latest(metrics.registry).decode()

    assert 'textsieve_gpu_memory_bytes{gpu="0",kind="used"} 1.0' in found
    assert 'textsieve_gpu_utilization_ratio{gpu="0"} 0.5' in found


def test_the_page_is_what_the_catalogue_says():
    assert metrics_page() == (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
