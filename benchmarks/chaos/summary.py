"""Adds up what the arenas told, and says whether the promise was kept."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from statistics import median
from typing import Any

from benchmarks.chaos.checker import Verdict
from benchmarks.chaos.outcome import Event, Failed, Judged, Line


@dataclass(frozen=True, slots=True)
class Row:
    """One kind of event; the seconds are of those that recovered."""

    kind: str
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
        skipped: kinds that these surroundings do not allow.
        unrecovered: kinds of events after which the stream did not go on as it should.
        excessive: kinds of events that repeated more messages than their victim held.
    """

    rows: tuple[Row, ...]
    together: Verdict
    apart: Verdict
    wanted: int
    events: int
    complaints: tuple[str, ...]
    failures: tuple[str, ...]
    skipped: tuple[str, ...]
    unrecovered: tuple[str, ...]
    excessive: tuple[str, ...]

    @property
    def is_good(self) -> bool:
        """Nothing lost, nothing twice, everything counted, every event struck and recovered from.

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
            "complaints": list(self.complaints),
            "failures": list(self.failures),
            "skipped": list(self.skipped),
            "unrecovered": list(self.unrecovered),
            "kinds": {row.kind: asdict(row) for row in self.rows},
        }


def summarise(lines: Sequence[Line], *, wanted: int, skipped: Sequence[str]) -> Summary:
    """Add up."""
    events = [line for line in lines if isinstance(line, Event)]
    judged = [line for line in lines if isinstance(line, Judged)]
    kinds = sorted({event.kind for event in events})
    return Summary(
        rows=tuple(_row(kind, [event for event in events if event.kind == kind]) for kind in kinds),
        together=sum((line.verdict for line in judged if not line.apart), start=Verdict()),
        apart=sum((line.verdict for line in judged if line.apart), start=Verdict()),
        wanted=wanted,
        events=sum(event.counts for event in events),
        complaints=tuple(complaint for line in judged for complaint in line.complaints),
        failures=tuple(line.reason for line in lines if isinstance(line, Failed)),
        skipped=tuple(skipped),
        unrecovered=tuple(event.kind for event in events if event.counts and event.recovery_seconds is None),
        excessive=tuple(event.kind for event in events if event.repeated > event.unfinished),
    )


def _row(kind: str, events: Sequence[Event]) -> Row:
    struck = [event for event in events if event.counts]
    seconds = [event.recovery_seconds for event in struck if event.recovery_seconds is not None]
    return Row(
        kind=kind,
        events=len(struck),
        missed=len(events) - len(struck),
        median_seconds=median(seconds) if seconds else None,
        max_seconds=max(seconds) if seconds else None,
        repeated=sum(event.repeated for event in events),
    )
