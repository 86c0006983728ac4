"""The head of labels that are described instead of learned: a linear one, whose rows are embedded descriptions."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from worker.errors import ConfigurationError
from worker.inference.heads import Head
from worker.inference.predictor import Predictor
from worker.settings import ModelSettings

_LEAST_LABELS = 2  # with fewer there is nothing to choose between
_SHORTEST = 1e-12  # of a sum of embeddings: opposite ones must not divide by zero


def zero_shot_head(labels: Mapping[str, Sequence[str]], embedder: Predictor, settings: ModelSettings) -> Head:
    """Logits are cosines, over the temperature, of a text and the mean of each label's descriptions.

    The mean does better than the nearest description (docs/decisions/0024). A label without any is as similar to every
    text as `least_similarity` says: it wins where no other is nearer than that.

    Args:
        labels: label -> descriptions; none for at most one label.
        embedder: its embeddings, rows of length 1, are what the head will read.
        settings: temperature and least similarity.

    Raises:
        ConfigurationError: fewer than two labels, a blank description, or two labels without any.
    """
    _require_described(labels)
    means = np.zeros((len(labels), embedder.card.dim), dtype=np.float32)
    constants = np.zeros(len(labels), dtype=np.float32)
    for row, texts in enumerate(labels.values()):
        if texts:
            means[row] = mean_direction(embedder.predict([text for text in texts if text.strip()]).embeddings)
        else:
            constants[row] = settings.least_similarity
    return Head(
        multi_label=False,
        weight=means / np.float32(settings.temperature),
        bias=constants / np.float32(settings.temperature),
    )


def mean_direction(embeddings: NDArray[np.float32]) -> NDArray[np.float32]:
    """[texts, dim] -> [dim], of length 1; zeros where there are no texts."""
    total = embeddings.sum(axis=0)
    return np.asarray(total / max(float(np.linalg.norm(total)), _SHORTEST), dtype=np.float32)


def _require_described(labels: Mapping[str, Sequence[str]]) -> None:
    blank = [label for label, texts in labels.items() if texts and not any(text.strip() for text in texts)]
    rest = [label for label, texts in labels.items() if not texts]
    if len(labels) >= _LEAST_LABELS and not blank and len(rest) <= 1:
        return
    faults = [f"nothing but blanks for {label}" for label in blank[:1]]
    faults += [f"none for {' and '.join(rest[:2])}"] if len(rest) > 1 else []
    raise ConfigurationError(
        f"model.labels: zero-shot needs at least {_LEAST_LABELS} labels, each described but for one that may be left "
        f"empty, came {len(labels)} labels{''.join(f', {fault}' for fault in faults)}; set model.labels"
    )
