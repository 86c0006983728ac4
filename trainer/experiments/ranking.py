"""How methods stand to each other, from what they answered to the same texts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from textsieve.trainer.data.examples import Targets
from textsieve.trainer.evaluation.scores import macro_f1
from textsieve.trainer.evaluation.significance import Difference, Interval, difference, interval, resampled_f1
from textsieve.trainer.experiments.experiment_data import MethodResult

Draws = Sequence[Sequence[MethodResult]]  # [draws] of [folds]


@dataclass(frozen=True, slots=True)
class MethodScores:
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
class Ranking:
    """All methods, the best F1 first."""

    methods: tuple[MethodScores, ...]
    differences: Mapping[str, Difference]  # method -> the best one minus it


def rank_methods(found: Mapping[str, Draws], tests: Sequence[Targets], *, columns: Sequence[int], seed: int) -> Ranking:
    """Compare methods text by text.

    Args:
        found: what each method answered.
        tests: the truth, [folds] of [texts, labels].
        columns: the labels whose F1 counts.
        seed: of the resampling.
    """
    samples = {method: _resampled(draws, tests, columns, seed=seed) for method, draws in found.items()}
    ranking = [
        _method_scores(method, draws, interval(samples[method]), tests, columns) for method, draws in found.items()
    ]
    ranking.sort(key=lambda one: -one.f1.value)
    best = ranking[0].method
    return Ranking(
        methods=tuple(ranking),
        differences={method: difference(samples[best], samples[method]) for method in found if method != best},
    )


def _resampled(draws: Draws, tests: Sequence[Targets], columns: Sequence[int], *, seed: int) -> NDArray[np.float64]:
    targets = np.concatenate(tests)[:, columns]
    samples = [resampled_f1(targets, _decided(results)[:, columns], seed=seed) for results in draws]
    return np.asarray(np.mean(samples, axis=0))


def _method_scores(
    method: str, draws: Draws, f1: Interval, tests: Sequence[Targets], columns: Sequence[int]
) -> MethodScores:
    targets = np.concatenate(tests)
    decided = [_decided(results) for results in draws]
    draw_f1 = [macro_f1(targets[:, columns], one[:, columns]) for one in decided]
    folds = list(zip(tests, zip(*draws, strict=True), strict=True))  # [folds] of a test and its outcomes, [draws]
    every = [result for results in draws for result in results]
    seconds = [result.train_seconds for result in every if result.train_seconds is not None]
    return MethodScores(
        method=method,
        f1=f1,
        fold_f1=tuple(
            float(np.mean([macro_f1(test[:, columns], one.decided[:, columns]) for one in results]))
            for test, results in folds
        ),
        draw_f1=tuple(draw_f1),
        draw_std=float(np.std(draw_f1)),
        accuracy=float(np.mean([(one == targets).all(axis=1).mean() for one in decided])),
        macro_f1=float(np.mean([macro_f1(targets, one) for one in decided])),
        train_seconds=float(np.mean(seconds)) if len(seconds) == len(every) else None,
        messages_per_second=float(np.median([result.messages_per_second for result in every])),
        megabytes=float(np.mean([result.megabytes for result in every])),
    )


def _decided(results: Sequence[MethodResult]) -> Targets:
    return np.concatenate([result.decided for result in results])
