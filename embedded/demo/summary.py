"""What a run came to, computed from nothing but what the topics and the store hold."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from textsieve.embedded.cluster_space import SpaceState
from textsieve.embedded.results import Labelled, Source, header, labelled, source_of
from textsieve.worker.records import Record

UNKNOWN_REASON = "unknown"


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that was read after a run."""

    inputs: Sequence[Record]
    results: Sequence[Record]
    dead_letters: Sequence[Record]
    space: SpaceState
    started_ms: int  # Unix time at which the run was asked for


@dataclass(frozen=True, slots=True)
class Summary:
    """The figures of a run; a message counts once however often it was answered.

    Latency runs from the message's timestamp to its answer, so it includes the wait in a backlog. The rate is taken
    from the first message sent to the last one labelled.
    """

    produced: int
    labelled: int
    dead_lettered: int
    lost: int  # messages without an answer
    duplicates: int  # answers beyond the first of a message
    clusters: int  # that hold any weight, in the store
    learned: int  # results counted in the clusters, in the store
    messages_per_second: float | None  # None where nothing was labelled, as below
    p50_seconds: float | None
    p99_seconds: float | None
    workers: int
    labels: dict[str, int]
    seconds_to_first_result: float | None


def summarise(evidence: Evidence) -> Summary:
    """Count what was read.

    Raises:
        msgspec.ValidationError: A record of the output topic is no result.
    """
    results = [labelled(record) for record in evidence.results]
    produced = {Source(record.topic, record.partition, record.offset) for record in evidence.inputs}
    answers = Counter(result.source for result in results)
    answers.update(source_of(record) for record in evidence.dead_letters)
    first = list(first_answers(results))
    dead = {source_of(record) for record in evidence.dead_letters} - {result.source for result in first}
    latencies = np.array([result.latency_seconds for result in first])
    return Summary(
        produced=len(produced),
        labelled=len(first),
        dead_lettered=len(dead),
        lost=len(produced - answers.keys()),
        duplicates=sum(answers.values()) - len(answers),
        clusters=evidence.space.clusters,
        learned=evidence.space.learned,
        messages_per_second=_rate(evidence.inputs, first, answered=len(first) + len(dead)),
        p50_seconds=_quantile(latencies, 0.5),
        p99_seconds=_quantile(latencies, 0.99),
        workers=len({result.worker for result in first}),
        labels=dict(Counter(result.label for result in first).most_common()),
        seconds_to_first_result=_seconds_to_first(first, evidence.started_ms),
    )


def faults(summary: Summary, *, expected: int | None = None) -> list[str]:
    """What is wrong with a run, one sentence each; empty if every message was answered once and learned once.

    Args:
        summary: Of the run.
        expected: How many messages the producer says were accepted, if it said so.
    """
    found = []
    if expected is not None and summary.produced != expected:
        found.append(f"expected {expected} messages in the input topic, got {summary.produced}")
    if summary.produced == 0:
        found.append("expected messages, got none")
    if summary.lost:
        found.append(f"{summary.lost} messages have neither a result nor a dead letter")
    if summary.duplicates:
        found.append(f"{summary.duplicates} answers are repeats")
    if summary.labelled + summary.dead_lettered + summary.lost != summary.produced:
        found.append(
            f"{summary.labelled} labelled + {summary.dead_lettered} dead letters + {summary.lost} lost is not"
            f" {summary.produced} produced: some answers belong to no message"
        )
    if summary.learned != summary.labelled:
        found.append(f"the clusters learned {summary.learned} results, expected {summary.labelled}")
    return found


def first_answers(results: Iterable[Labelled]) -> Iterable[Labelled]:
    """The first result of every message, in the order read."""
    seen = set()
    for result in results:
        if result.source not in seen:
            seen.add(result.source)
            yield result


def shares(results: Iterable[Record]) -> dict[str, int]:
    """Answers by worker, repeats included, by the worker's name."""
    found = Counter(labelled(record).worker for record in results)
    return dict(sorted(found.items()))


def reasons(dead_letters: Iterable[Record]) -> dict[str, int]:
    """Dead letters by reason, most frequent first."""
    found = Counter(header(record, "textsieve.reason") or UNKNOWN_REASON for record in dead_letters)
    return dict(found.most_common())


def _quantile(values: np.ndarray, q: float) -> float | None:
    return round(float(np.quantile(values, q)), 3) if values.size else None  # a millisecond is the clock's grain


def _rate(inputs: Sequence[Record], results: Sequence[Labelled], *, answered: int) -> float | None:
    if not inputs or not results:
        return None
    first_ms = min(record.timestamp_ms for record in inputs)
    last_ms = max(result.processed_ms for result in results)
    return round(1000 * answered / max(1, last_ms - first_ms), 1)


def _seconds_to_first(results: Sequence[Labelled], started_ms: int) -> float | None:
    return (min(result.processed_ms for result in results) - started_ms) / 1000 if results else None
