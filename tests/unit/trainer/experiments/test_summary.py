"""What holding the embedding costs is a mean over seeds, paired by text; clusters are set beside the original's."""

import numpy as np
import pytest

from textsieve.trainer.evaluation.significance import f1_of
from textsieve.trainer.experiments.runs import Answer
from textsieve.trainer.experiments.summary import weigh
from textsieve.trainer.experiments.tradeoff import Answers

RNG = np.random.default_rng(3)
TARGETS = np.eye(2, dtype=np.bool_)[RNG.integers(0, 2, size=200)]


def answer(targets, *, wrong, nmi=0.8):
    flipped = RNG.random(len(targets)) < wrong
    return Answer(np.where(flipped[:, None], ~targets, targets), cosine=0.9, nmi={"other": (nmi, nmi + 0.02)})


def study(free, held, *, nmi=0.8):
    """Two folds of 100 texts for each seed; so many of the answers are wrong."""
    parts = TARGETS[:100], TARGETS[100:]
    attempts = {
        weight: {seed: tuple(answer(part, wrong=share, nmi=nmi) for part in parts) for seed, share in enumerate(shares)}
        for weight, shares in ((0.0, free), (1.0, held))
    }
    return Answers(targets=TARGETS, attempts=attempts, original_nmi={"other": (0.85, 0.87)})


def test_the_difference_is_the_mean_over_seeds():
    answers = study((0.05, 0.1), (0.2, 0.3))

    _, held = weigh(answers, columns=[1], seed=0)

    by_seed = {
        weight: np.mean(
            [f1_of(TARGETS[:, [1]], np.concatenate([one.decided for one in folds])[:, [1]]) for folds in seeds.values()]
        )
        for weight, seeds in answers.attempts.items()
    }
    assert pytest.approx(by_seed[1.0] - by_seed[0.0]) == held.minus_free.interval.value
    assert held.minus_free.interval.high < 0


def test_answers_that_are_as_good_are_not_told_apart():
    _, held = weigh(study((0.1, 0.1), (0.1, 0.1)), columns=[0, 1], seed=0)

    assert held.minus_free.interval.low < 0 < held.minus_free.interval.high


def test_folds_are_scored_each_on_its_own_texts():
    answers = study((0.1,), (0.2,))

    _, held = weigh(answers, columns=[1], seed=0)

    first, second = answers.attempts[1.0][0]
    alone = (f1_of(TARGETS[:100, [1]], first.decided[:, [1]]), f1_of(TARGETS[100:, [1]], second.decided[:, [1]]))
    assert {0: alone} == held.f1_by_seed


def test_clusters_are_set_beside_those_of_the_original_encoder():
    free, _ = weigh(study((0.1,), (0.1,), nmi=0.7), columns=[1], seed=0)

    assert pytest.approx((0.71, 0.71, -0.15)) == (
        free.nmi["other"].mean,
        free.nmi["other"].lowest,
        free.nmi["other"].minus_original,
    )
