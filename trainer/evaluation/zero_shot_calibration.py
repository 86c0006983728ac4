"""The temperature and the least similarity that suit labelled texts, where labels are described instead of learned."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from textsieve.trainer.data.examples import Targets
from textsieve.trainer.evaluation.calibration import fit_temperature
from textsieve.worker.records import Probabilities
from textsieve.worker.settings import ModelSettings

_SHOWN = tuple(round(0.1 + 0.05 * step, 2) for step in range(13))  # cosines of the table: 0.1 to 0.7
_TRIED = tuple(round(0.01 * step, 2) for step in range(101))  # for the best one
_SMALLEST = 1e-38  # keeps logarithms finite


@dataclass(frozen=True, slots=True)
class SimilarityCutoff:
    """What the label without descriptions gains, and all texts lose, at a least similarity."""

    least_similarity: float
    accuracy: float  # over all texts
    precision: float  # of the label without descriptions; 0 where it is never given
    recall: float


@dataclass(frozen=True, slots=True)
class ZeroShotCalibration:
    """Settings that would have suited these texts best, so on others they are a little worse."""

    temperature: float  # with the least log loss over the described labels
    least_similarity: float | None  # with the most texts right; None: every label is described
    cuts: tuple[SimilarityCutoff, ...]


def calibrate_zero_shot(probabilities: Probabilities, targets: Targets, settings: ModelSettings) -> ZeroShotCalibration:
    """Look for both.

    Args:
        probabilities: [texts, labels], of a zero-shot model.
        targets: [texts, labels].
        settings: that it was made with; `labels` in the order of the columns.
    """
    rest = [column for column, texts in enumerate(settings.labels.values()) if not texts]
    described = [column for column, texts in enumerate(settings.labels.values()) if texts]
    logits = np.log(np.maximum(probabilities, _SMALLEST))  # similarities over the temperature, but for a constant
    known = targets[:, described].any(axis=1)
    factor = 1.0
    if known.any():
        factor = fit_temperature(logits[known][:, described], targets[known][:, described], multi_label=False)
    temperature = round(settings.temperature * factor, 4)
    if not rest:
        return ZeroShotCalibration(temperature, None, ())
    # the constant is that of the label without descriptions, whose similarity is known
    similarities = settings.least_similarity + settings.temperature * (logits - logits[:, rest])
    nearest = similarities[:, described].max(axis=1)
    right = targets[:, described][np.arange(len(nearest)), similarities[:, described].argmax(axis=1)]
    tried = [_cutoff(one, nearest, right, targets[:, rest[0]]) for one in _TRIED]
    return ZeroShotCalibration(
        temperature=temperature,
        least_similarity=max(tried, key=lambda one: one.accuracy).least_similarity,
        cuts=tuple(one for one in tried if one.least_similarity in _SHOWN),
    )


def _cutoff(
    least: float, nearest: NDArray[np.float32], right: NDArray[np.bool_], holds: NDArray[np.bool_]
) -> SimilarityCutoff:
    said = nearest < least
    hits = int((said & holds).sum())
    return SimilarityCutoff(
        least_similarity=least,
        accuracy=float(np.where(said, holds, right).mean()),
        precision=hits / max(int(said.sum()), 1),
        recall=hits / max(int(holds.sum()), 1),
    )
