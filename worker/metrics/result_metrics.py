"""What a published batch says about its messages: latency, labels, confidence, length, clusters, drift."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from textsieve.worker.metrics.definition import CONFIDENCE, LOW_CONFIDENCE, OTHER, TOKENS
from textsieve.worker.metrics.drift import Drift
from textsieve.worker.metrics.metrics import Metrics
from textsieve.worker.outcome import Outcome
from textsieve.worker.records import NO_CLUSTER, Outgoing, Partition, Record

MAX_EXEMPLAR_TOPIC = 80  # characters: an exemplar's labels may hold 128 in all
CLUSTER_BINS = 16  # of the drift index: clusters are folded into so many, since chance alone moves many small bins


@dataclass(slots=True)
class ResultMetrics:
    """Counts answers that are published now; what had been published before was counted then.

    Attributes:
        labels: of the model, in order: the bins of the drift of labels.
    """

    metrics: Metrics
    labels: Sequence[str]
    drift: Drift
    _squared_distance: float = 0.0  # sum since the last learn
    _assigned: int = 0  # messages in that sum

    @classmethod
    def of(cls, metrics: Metrics, *, labels: Sequence[str], drift_window: int) -> "ResultMetrics":
        """Fresh windows of so many messages."""
        bins = {
            "label": len(labels),
            "confidence": len(CONFIDENCE) + 1,
            "length": len(TOKENS) + 1,
            "cluster": CLUSTER_BINS + 1,
        }
        drift = Drift(bins, drift_window)
        metrics.drift_window.set_function(lambda: drift.messages)
        for signal in bins:  # worked out for every scrape, not for every batch
            metrics.drift.labels(signal).set_function(partial(drift.index, signal))
        return cls(metrics, tuple(labels), drift)

    def count(
        self,
        outcome: Outcome,
        records: Sequence[Record],
        *,
        results: Sequence[Outgoing],
        dead_letters: Sequence[Outgoing],
        now: float,
    ) -> None:
        """Count a batch whose `results` and `dead_letters` are acked; the rest of `outcome` was published before."""
        metrics = self.metrics
        already = len(records) - len(results) - len(dead_letters)
        fresh = {(answer.source, answer.offset) for answer in (*results, *dead_letters)} if already else None
        letters = _kept(outcome.dead_letters, fresh)
        for reason, letters_of in Counter(np.asarray(outcome.reasons, object)[letters].tolist()).items():
            metrics.dead_letters.labels(reason).inc(letters_of)
        self._latencies(records if fresh is None else [r for r in records if (r.source, r.offset) in fresh], now)
        if results:
            self._results(outcome, _kept(outcome.results, fresh))

    def inertia(self) -> float | None:
        """Mean squared distance since this was asked last, or None without new assignments."""
        mean = self._squared_distance / self._assigned if self._assigned else None
        self._squared_distance, self._assigned = 0.0, 0
        return mean

    def _latencies(self, records: Sequence[Record], now: float) -> None:
        kinds = {record.timestamp_type for record in records}
        for kind in kinds:
            chosen = records if len(kinds) == 1 else [r for r in records if r.timestamp_type == kind]
            seconds = now - np.asarray([record.timestamp_ms for record in chosen], np.float64) / 1000  # [chosen]
            self.metrics.clock_skew.inc(int((seconds < 0).sum()))
            seconds = np.maximum(0.0, seconds)
            self.metrics.latency.observe(seconds, label_value=kind)
            slowest = int(seconds.argmax())
            record = chosen[slowest]
            origin = {
                "topic": record.topic[:MAX_EXEMPLAR_TOPIC],
                "partition": str(record.partition),
                "offset": str(record.offset),
            }
            self.metrics.latency.example(float(seconds[slowest]), origin, label_value=kind, timestamp=now)

    def _results(self, outcome: Outcome, rows: NDArray[np.bool_]) -> None:
        metrics = self.metrics
        labels = np.bincount(outcome.label_ids[rows], minlength=len(self.labels))
        for place in np.flatnonzero(labels).tolist():
            label = self.labels[place]
            metrics.predictions.labels(label if label in metrics.label_slots else OTHER).inc(int(labels[place]))
        scores, lengths = outcome.scores[rows], outcome.token_counts[rows]  # [results]
        clusters = outcome.observations.cluster_ids[rows]  # [results]
        distances = outcome.distances[rows][clusters != NO_CLUSTER].astype(np.float64)  # [assigned]
        metrics.truncated.inc(outcome.truncated)
        metrics.obfuscated.inc(outcome.obfuscated)
        confidence = metrics.confidence.observe(scores)
        metrics.low_confidence.inc(int((scores < LOW_CONFIDENCE).sum()))
        length = metrics.input_tokens.observe(lengths)
        metrics.distance.observe(distances)
        self._squared_distance += float((distances**2).sum())
        self._assigned += len(distances)
        folded = np.where(clusters == NO_CLUSTER, CLUSTER_BINS, clusters % CLUSTER_BINS)  # [results]
        self.drift.observe(
            {
                "label": labels,
                "confidence": confidence,
                "length": length,
                "cluster": np.bincount(folded, minlength=CLUSTER_BINS + 1),
            },
            messages=len(scores),
        )


def _kept(answers: Sequence[Outgoing], fresh: set[tuple[Partition, int]] | None) -> NDArray[np.bool_]:
    """Which answers are published now."""
    if fresh is None:
        return np.ones(len(answers), np.bool_)
    return np.asarray([(answer.source, answer.offset) in fresh for answer in answers], np.bool_)
