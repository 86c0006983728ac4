"""From the answers of a study to what holding the embedding costs in labels and is worth in clusters."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from textsieve.trainer.evaluation.significance import Difference, Interval, difference, f1_of, interval, resampled_f1
from textsieve.trainer.experiments.runs import Answer
from textsieve.trainer.experiments.tradeoff import Answers

FREE = 0.0  # the weight that lets the embedding go: what every other one is compared with


@dataclass(frozen=True, slots=True)
class Nmi:
    """How well the clusters of an embedding are the labels, over attempts and runs of k-means."""

    mean: float
    lowest: float  # of the attempts, each the mean over its runs of k-means
    minus_original: float  # the mean over that of the encoder before training


@dataclass(frozen=True, slots=True)
class Weighed:
    """One weight of the term that holds the embedding, over all folds and seeds."""

    weight: float
    f1: Interval  # mean over seeds; 95 % of texts drawn with replacement
    minus_free: Difference | None  # its F1 minus that of `FREE` on the same texts; None for `FREE` itself
    f1_by_seed: Mapping[int, tuple[float, ...]]  # of each fold
    cosine: float  # mean, to the original embeddings
    nmi: Mapping[str, Nmi]  # of each grouping


def weigh(answers: Answers, *, columns: Sequence[int], seed: int) -> list[Weighed]:
    """Judge every weight by the same texts.

    The F1 of a seed is that of the answers of all folds together; that of a weight is the mean over seeds, in every
    draw of texts too. The interval of a difference says how far the texts carry, for the seeds that were run.

    Args:
        answers: of at least the weight `FREE`.
        columns: the labels whose mean F1 counts.
        seed: of the draws.
    """
    targets = answers.targets[:, columns]
    samples = {
        weight: np.mean(
            [resampled_f1(targets, _decided(one)[:, columns], seed=seed) for one in by_seed.values()], axis=0
        )
        for weight, by_seed in answers.attempts.items()
    }
    return [
        Weighed(
            weight=weight,
            f1=interval(samples[weight]),
            minus_free=None if weight == FREE else difference(samples[weight], samples[FREE]),
            f1_by_seed={number: _by_fold(targets, one, columns) for number, one in by_seed.items()},
            cosine=float(np.mean([answer.cosine for one in by_seed.values() for answer in one])),
            nmi={name: _nmi(name, runs, by_seed) for name, runs in answers.original_nmi.items()},
        )
        for weight, by_seed in answers.attempts.items()
    ]


def _decided(folds: Sequence[Answer]) -> np.ndarray:
    return np.concatenate([answer.decided for answer in folds])


def _by_fold(targets: np.ndarray, folds: Sequence[Answer], columns: Sequence[int]) -> tuple[float, ...]:
    ends = np.cumsum([len(answer.decided) for answer in folds])
    tests = np.split(targets, ends[:-1])
    return tuple(f1_of(test, answer.decided[:, columns]) for test, answer in zip(tests, folds, strict=True))


def _nmi(name: str, original: Sequence[float], by_seed: Mapping[int, Sequence[Answer]]) -> Nmi:
    attempts = [float(np.mean(answer.nmi[name])) for folds in by_seed.values() for answer in folds]
    mean = float(np.mean(attempts))
    return Nmi(mean=mean, lowest=min(attempts), minus_original=mean - float(np.mean(original)))
