"""A candidate that takes its turns, and which of them are pruned."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Protocol

from textsieve.worker.inference.engines.report import Candidate
from textsieve.worker.records import Predictions

PRUNE_RATIO = 1.5  # times the time of the best: what is slower after a lap is not run again
EARLY_PRUNE_RATIO = (
    4.0  # times the time of the reference in each of the first rounds (emulated bf16): not run to the end of a lap
)
EARLY_PRUNE_ROUNDS = 2


class Runner(Protocol):
    """The part of a predictor that is tried."""

    max_batch_tokens: int

    def predict(self, texts: Sequence[str]) -> Predictions:
        """See Predictor."""
        ...


@dataclass(slots=True)
class CandidateRun:
    """A candidate that runs.

    Attributes:
        seconds: of each round.
        rates: texts per second of each round.
        answers: to each slice, by its number.
        fault: why it is not run any more before its first lap ended.
    """

    candidate: Candidate
    runner: Runner
    seconds: list[float] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)
    answers: dict[int, Predictions] = field(default_factory=dict)
    fault: str = ""

    def said(self) -> Predictions:
        """The answers to all slices so far."""
        return Predictions.joined([self.answers[number] for number in sorted(self.answers)])


def prune_early(runs: Sequence[CandidateRun], reference: CandidateRun) -> None:
    """Give those a fault that were absurdly slow in each of the first rounds.

    Args:
        runs: of as many rounds as the reference.
        reference: what they are measured by.
    """
    for one in runs:
        ratios = [mine / theirs for mine, theirs in zip(one.seconds, reference.seconds, strict=True)]
        if len(ratios) == EARLY_PRUNE_ROUNDS and min(ratios) > EARLY_PRUNE_RATIO:
            one.fault = f"not tried further: {min(ratios):.0f} times slower than {reference.candidate.name}"


def unpruned(runs: Sequence[CandidateRun], *, agreeing: Sequence[CandidateRun]) -> list[CandidateRun]:
    """Those that are not far slower than the best of those that agree with float32, of all where none does.

    Args:
        runs: not empty.
        agreeing: some of them.
    """
    near = agreeing or runs
    least = min(median(one.seconds) for one in near)
    return [one for one in near if median(one.seconds) <= PRUNE_RATIO * least]
