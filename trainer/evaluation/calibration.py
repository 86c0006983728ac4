"""Whether probabilities mean what they say, and the one number that helps."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import expit, softmax

from textsieve.trainer.data.examples import Targets
from textsieve.worker.records import Probabilities

Logits = NDArray[np.float32]  # [texts, labels]

# a small split that is told apart without a mistake asks for infinite certainty; more than twice is not believed
_TEMPERATURES = (0.5, 10.0)
_BINS = 10  # as in most reports, so that numbers compare
_SMALLEST = 1e-12  # keeps logarithms finite


@dataclass(frozen=True, slots=True)
class Bin:
    """Predictions of similar confidence."""

    count: int
    confidence: float  # their mean
    accuracy: float  # the share of them that was right


def probabilities_of(logits: Logits, *, multi_label: bool) -> Probabilities:
    """What the served network makes of logits: a softmax, or a sigmoid for each label."""
    answer = expit(logits) if multi_label else softmax(logits, axis=1)
    return np.asarray(answer, dtype=np.float32)


def log_loss(probabilities: Probabilities, targets: Targets, *, multi_label: bool) -> float:
    """Mean negative log likelihood, per text, or per text and label where labels are independent."""
    clipped = np.clip(probabilities.astype(np.float64), _SMALLEST, 1 - _SMALLEST)
    if multi_label:
        return float(-np.where(targets, np.log(clipped), np.log1p(-clipped)).mean())
    return float(-np.log(clipped[targets]).mean())


def fit_temperature(logits: Logits, targets: Targets, *, multi_label: bool) -> float:
    """What to divide logits by so that log loss is least, from texts that were not trained on.

    Labels stay as they are: only the certainty changes.

    Reference:
        Guo et al., On Calibration of Modern Neural Networks, ICML 2017.
    """

    def loss(log_temperature: float) -> float:
        scaled = logits / np.exp(log_temperature)
        return log_loss(probabilities_of(scaled, multi_label=multi_label), targets, multi_label=multi_label)

    found = minimize_scalar(loss, bounds=tuple(np.log(_TEMPERATURES)), method="bounded")
    return round(float(np.exp(found.x)), 4)


def reliability(probabilities: Probabilities, targets: Targets, *, multi_label: bool) -> list[Bin]:
    """Predictions in ten bins of equal width of confidence; empty bins are left out.

    Exclusive labels: the likeliest label of each text. Independent ones: every probability against its label.
    """
    if multi_label:
        confidence, right = probabilities.ravel(), targets.ravel()
    else:
        confidence = probabilities.max(axis=1)
        right = targets[np.arange(len(targets)), probabilities.argmax(axis=1)]
    numbers = np.clip((confidence * _BINS).astype(np.int64), 0, _BINS - 1)
    return [
        Bin(
            count=int((numbers == number).sum()),
            confidence=float(confidence[numbers == number].mean()),
            accuracy=float(right[numbers == number].mean()),
        )
        for number in np.unique(numbers)
    ]


def expected_calibration_error(bins: list[Bin]) -> float:
    """The mean distance between confidence and accuracy, weighted by the predictions in each bin."""
    total = sum(one.count for one in bins)
    return sum(one.count * abs(one.confidence - one.accuracy) for one in bins) / total
