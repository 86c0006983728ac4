"""The batch histogram: its labels and its exemplars."""

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as openmetrics

from textsieve.worker.metrics.histogram import BatchHistogram

EDGES = (0.1, 0.5, 1, 2.5)


def test_every_label_value_is_there_from_the_start():
    registry = CollectorRegistry()
    registry.register(BatchHistogram("seconds", "text", buckets=EDGES, label="kind", values=("a", "b")))

    assert 0 == registry.get_sample_value("seconds_count", {"kind": "b"})


def test_an_example_stands_at_its_bucket_in_openmetrics_alone():
    registry = CollectorRegistry()
    histogram = BatchHistogram("seconds", "text", buckets=EDGES)
    registry.register(histogram)
    histogram.observe([0.3, 0.7])

    histogram.example(0.7, {"partition": "3"}, timestamp=12.0)

    line = next(line for line in openmetrics(registry).decode().splitlines() if 'le="1.0"' in line)
    assert 'seconds_bucket{le="1.0"} 2.0 # {partition="3"} 0.7 12.0' == line
    assert "partition" not in generate_latest(registry).decode()
