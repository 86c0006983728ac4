"""What a metric is, and the buckets, label values and limits that several of them share.

Names follow `textsieve_<thing>_<unit>[_total]`. No label ever holds text, an id or an offset: the values of a label are
fixed here, or by the settings and the model, and all of them exist from the start. What is not `per partition` is
therefore never new to a `rate()`.
"""

from dataclasses import dataclass
from enum import StrEnum

PREFIX = "textsieve_"

LATENCY_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600)  # backlogs reach minutes
STAGE_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)  # a fence takes 0.7 ms
TOKENS = tuple(float(8 * 2**n) for n in range(9))  # 8 .. 2048
BATCH = tuple(float(2**n) for n in range(11))  # 1 .. 1024
CONFIDENCE = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1)
DISTANCE = (*(round(0.1 * n, 1) for n in range(1, 15)), 2)  # Euclidean between unit vectors: 0 .. 2
SHIFT = tuple(1e-4 * 4**n for n in range(8))  # Euclidean: 1e-4 .. 1.6

LOW_CONFIDENCE = 0.6  # score of the winning label below which a result counts as unsure
MAX_LABELS = 50  # a model with more labels has the rest counted as OTHER
MAX_CLUSTERS = 40  # more clusters than that have the rest summed up as OTHER
OTHER = "other"

STAGES = ("process", "fence", "publish", "learn", "commit")
OUTCOMES = ("ok", "dead_letter", "already_published", "skipped", "dropped")
SIGNALS = ("label", "confidence", "length", "cluster")


class Kind(StrEnum):
    """How Prometheus sees a metric."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"  # one value per batch or rarer
    BATCH_HISTOGRAM = "batch histogram"  # one value per message, counted once per batch
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Metric:
    """One row of the catalogue.

    Attributes:
        name: without prefix and without `_total` or `_info`.
        values: of the one label, where the catalogue fixes them; else the settings or the model do.
        where: what must be there for the metric to be exported, "" if it always is.
    """

    name: str
    kind: Kind
    unit: str
    meaning: str
    label: str = ""
    values: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    labels: tuple[str, ...] = ()
    where: str = ""

    @property
    def exported(self) -> str:
        """The name a query uses; a histogram's series add `_bucket`, `_sum` and `_count`."""
        suffix = {Kind.COUNTER: "_total", Kind.INFO: "_info"}.get(self.kind, "")
        return f"{PREFIX}{self.name}{suffix}"

    @property
    def label_names(self) -> tuple[str, ...]:
        """All labels, in order."""
        return self.labels or ((self.label,) if self.label else ())


@dataclass(frozen=True, slots=True)
class NotExported:
    """A metric that a reader may look for and that is not exported, with the reason."""

    name: str
    reason: str
