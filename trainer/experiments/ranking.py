"""How methods stand to each other, from what they answered to the same texts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from textsieve.trainer.data.examples import Targets
from textsieve.trainer.evaluation.scores import macro_f1
from textsieve.trainer.evaluation.significance import Difference, Interval, difference, interval, resampled_f1
from textsieve.trainer.experiments.experiment_data import Outcome

Draws = Sequence[Sequence[Outcome]]  # [draws] of [folds]


@dataclass(frozen=True, slots=True)
class Standing:
    """One method over all folds that were run; over several draws of training texts, the mean of them."""

    method: str
    f1: Interval
    fold_f1: tuple[float, ...]
    draw_f1: tuple[float, ...]  # of each draw over all folds; one where a method sees all training texts
    draw_std: float  # of those: what other training texts would change
    accuracy: float
    macro_f1: float
    train_seconds: float | None  # of one fold, mean; None: a fold was trained by an interrupted run
    messages_per_second: float  # median over folds
    megabytes: float


@dataclass(frozen=True, slots=True)
class Standings:
    """All methods, the best F1 first."""

    methods: tuple[Standing, ...]
    differences: Mapping[str, Difference]  # method -> the best one minus it


def stand(found: Mapping[str, Draws], tests: Sequence[Targets], *, columns: Sequence[int], seed: int) -> Standings:
    """Compare methods text by text.

    Args:
        found: what each method answered.
        tests: the truth, [folds] of [texts, labels].
        columns: the labels whose F1 counts.
        seed: of the resampling.
    """
    samples = {method: _resampled(draws, tests, columns, seed=seed) for method, draws in found.items()}
    standings = [_standing(method, draws, interval(samples[method]), tests, columns) for method, draws in found.items()]
    standings.sort(key=lambda one: -one.f1.value)
    best = standings[0].method
    return Standings(
        methods=tuple(standings),
        differences={method: difference(samples[best], samples[method]) for method in found if method != best},
    )


def _resampled(draws: Draws, tests: Sequence[Targets], columns: Sequence[int], *, seed: int) -> NDArray[np.float64]:
    targets = np.concatenate(tests)[:, columns]
    samples = [resampled_f1(targets, _decided(outcomes)[:, columns], seed=seed) for outcomes in draws]
    return np.asarray(np.mean(samples, axis=0))


def _standing(method: str, draws: Draws, f1: Interval, tests: Sequence[Targets], columns: Sequence[int]) -> Standing:
    targets = np.concatenate(tests)
    decided = [_decided(outcomes) for outcomes in draws]
    draw_f1 = [macro_f1(targets[:, columns], one[:, columns]) for one in decided]
    folds = list(zip(tests, zip(*draws, strict=True), strict=True))  # [folds] of a test and its outcomes, [draws]
    every = [outcome for outcomes in draws for outcome in outcomes]
    seconds = [outcome.train_seconds for outcome in every if outcome.train_seconds is not None]
    return Standing(
        method=method,
        f1=f1,
        fold_f1=tuple(
            float(np.mean([macro_f1(test[:, columns], one.decided[:, columns]) for one in outcomes]))
            for test, outcomes in folds
        ),
        draw_f1=tuple(draw_f1),
        draw_std=float(np.std(draw_f1)),
        accuracy=float(np.mean([(one == targets).all(axis=1).mean() for one in decided])),
        macro_f1=float(np.mean([macro_f1(targets, one) for one in decided])),
        train_seconds=float(np.mean(seconds)) if len(seconds) == len(every) else None,
        messages_per_second=float(np.median([outcome.messages_per_second for outcome in every])),
        megabytes=float(np.mean([outcome.megabytes for outcome in every])),
    )


def _decided(outcomes: Sequence[Outcome]) -> Targets:
    return np.concatenate([outcome.decided for outcome in outcomes])
