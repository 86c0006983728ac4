"""Adds up what the runners told, and says whether the promise was kept."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from statistics import median
from typing import Any

from benchmarks.chaos.checker import Verdict
from benchmarks.chaos.reports import FaultReport, Report, RunnerFailed, StreamReport


@dataclass(frozen=True, slots=True)
class Row:
    """One fault of event; the seconds are of those that recovered."""

    fault: str
    events: int
    missed: int
    median_seconds: float | None
    max_seconds: float | None
    repeated: int


@dataclass(frozen=True, slots=True)
class Summary:
    """One run.

    Attributes:
        together: the verdict of all streams but those apart.
        apart: the verdict of the streams in which a zombie was stopped between fence and send.
        wanted: events asked for and possible here.
        skipped: faults that these surroundings do not allow.
        unrecovered: faults of events after which the stream did not go on as it should.
        excessive: faults of events that repeated more messages than their victim held.
    """

    rows: tuple[Row, ...]
    together: Verdict
    apart: Verdict
    wanted: int
    events: int
    worker_errors: tuple[str, ...]
    failures: tuple[str, ...]
    skipped: tuple[str, ...]
    unrecovered: tuple[str, ...]
    excessive: tuple[str, ...]

    @property
    def is_good(self) -> bool:
        """Nothing lost, nothing twice, everything counted, every fault injected and recovered from.

        What a zombie repeats is forgiven where it stands apart, up to the messages it held.
        """
        return (
            self.together.is_good
            and replace(self.apart, duplicates=0).is_good
            and not self.failures
            and not self.unrecovered
            and not self.excessive
            and self.events >= self.wanted
        )

    def as_json(self) -> dict[str, Any]:
        """The keys of the last line of `--json`."""
        total = self.together + self.apart
        return {
            "lost": total.lost,
            "pending": total.pending,
            "duplicates": self.together.duplicates,
            "zombie_duplicates": self.apart.duplicates,
            "miscounted": total.miscounted,
            "events": self.events,
            "missed": self.wanted - self.events,
            "inputs": total.inputs,
            "results": total.results,
            "dead_letters": total.dead_letters,
            "answered_twofold": total.answered_twofold,
            "misjudged": total.misjudged,
            "strange": total.strange,
            "renamed": total.renamed,
            "reordered": total.reordered,
            "worker_errors": list(self.worker_errors),
            "failures": list(self.failures),
            "skipped": list(self.skipped),
            "unrecovered": list(self.unrecovered),
            "faults": {row.fault: asdict(row) for row in self.rows},
        }


def summarise(lines: Sequence[Report], *, wanted: int, skipped: Sequence[str]) -> Summary:
    """Add up."""
    events = [line for line in lines if isinstance(line, FaultReport)]
    judged = [line for line in lines if isinstance(line, StreamReport)]
    faults = sorted({event.fault for event in events})
    return Summary(
        rows=tuple(_row(fault, [event for event in events if event.fault == fault]) for fault in faults),
        together=sum((line.verdict for line in judged if not line.apart), start=Verdict()),
        apart=sum((line.verdict for line in judged if line.apart), start=Verdict()),
        wanted=wanted,
        events=sum(event.counts for event in events),
        worker_errors=tuple(error for line in judged for error in line.worker_errors),
        failures=tuple(line.reason for line in lines if isinstance(line, RunnerFailed)),
        skipped=tuple(skipped),
        unrecovered=tuple(event.fault for event in events if event.counts and event.recovery_seconds is None),
        excessive=tuple(event.fault for event in events if event.repeated > event.unfinished),
    )


def _row(fault: str, events: Sequence[FaultReport]) -> Row:
    injected = [event for event in events if event.counts]
    seconds = [event.recovery_seconds for event in injected if event.recovery_seconds is not None]
    return Row(
        fault=fault,
        events=len(injected),
        missed=len(events) - len(injected),
        median_seconds=median(seconds) if seconds else None,
        max_seconds=max(seconds) if seconds else None,
        repeated=sum(event.repeated for event in events),
    )
