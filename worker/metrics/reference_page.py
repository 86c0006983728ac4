"""The catalogue as a page: the source of docs/metrics.md."""

from textsieve.worker.metrics.catalogue import GROUPS, NOT_EXPORTED
from textsieve.worker.metrics.definition import PREFIX, Metric

_HEAD = f"""# Metrics

What a worker exports at `/metrics`, made from `worker/metrics/catalogue.py` by `python -m worker.metrics`. Every name
begins with `{PREFIX}`. Counters end with `_total`; the series of a histogram add `_bucket`, `_sum` and `_count`. Every
value of a label exists from the start, but for partitions: theirs come and go with them. With 12 partitions, 2 labels
and any number of clusters a worker exports fewer than 400 series, the process's own (`process_*`, `python_*`) included.

A batch histogram counts one value per message, once per batch. Its buckets are those of any other histogram.
"""

_ABSENT = """
## Not exported

| name | why |
|---|---|
"""


def metrics_page() -> str:
    """The whole page, as Markdown."""
    groups = "".join(f"\n## {title}\n\n{_table(metrics)}" for title, metrics in GROUPS.items())
    absent = "".join(f"| {absent.name} | {absent.reason} |\n" for absent in NOT_EXPORTED)
    return _HEAD + groups + _ABSENT + absent


def _table(metrics: tuple[Metric, ...]) -> str:
    rows = "".join(
        f"| `{metric.exported}` | {metric.kind} | {_labels(metric)} | {metric.unit} | {_meaning(metric)} |\n"
        for metric in metrics
    )
    return f"| name | type | labels | unit | meaning |\n|---|---|---|---|---|\n{rows}"


def _labels(metric: Metric) -> str:
    if metric.values:
        return f"`{metric.label}`: {', '.join(metric.values)}"
    return ", ".join(f"`{name}`" for name in metric.label_names)


def _meaning(metric: Metric) -> str:
    buckets = f". Buckets: {', '.join(f'{edge:g}' for edge in metric.buckets)}" if metric.buckets else ""
    where = f". Only where {metric.where}" if metric.where else ""
    return f"{metric.meaning}{buckets}{where}"
