"""The head of labels that are described instead of learned: a linear one, whose rows are embedded descriptions."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from textsieve.worker.errors import ConfigurationError
from textsieve.worker.inference.heads.linear import Head
from textsieve.worker.inference.predictor import Predictor
from textsieve.worker.normalization import normalizer
from textsieve.worker.settings import ModelSettings

_LEAST_LABELS = 2  # with fewer there is nothing to choose between
_SHORTEST = 1e-12  # of a sum of embeddings: opposite ones must not divide by zero


def zero_shot_head(labels: Mapping[str, Sequence[str]], embedder: Predictor, settings: ModelSettings) -> Head:
    """Logits are cosines, over the temperature, of a text and the mean of each label's descriptions.

    The mean does better than the nearest description (docs/decisions/0024). A label without any is as similar to every
    text as `least_similarity` says: it wins where no other is nearer than that.

    Args:
        labels: label -> descriptions; none for at most one label.
        embedder: its embeddings, rows of length 1, are what the head will read.
        settings: temperature, least similarity, and how texts are read: descriptions are read in the same way.

    Raises:
        ConfigurationError: fewer than two labels, a blank description, two labels without any, or two of the same.
    """
    read = normalizer(settings.rules)
    labels = {label: tuple(read(text).text for text in texts) for label, texts in labels.items()}
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
    told: dict[frozenset[str], str] = {}  # what describes a label -> the first one that it describes
    alike = [(told[words], label) for label, words in _words(labels) if told.setdefault(words, label) != label]
    if len(labels) >= _LEAST_LABELS and not blank and len(rest) <= 1 and not alike:
        return
    faults = [f"nothing but blanks for {label}" for label in blank[:1]]
    faults += [f"none for {' and '.join(rest[:2])}"] if len(rest) > 1 else []
    faults += [f"the same for {' and '.join(pair)}" for pair in alike[:1]]
    told_so = "".join(f", {fault}" for fault in faults)
    raise ConfigurationError(
        f"model.labels: zero-shot needs at least {_LEAST_LABELS} labels, each described in its own words but for one "
        f"that may be left empty, got {len(labels)} labels{told_so}; set model.labels"
    )


def _words(labels: Mapping[str, Sequence[str]]) -> list[tuple[str, frozenset[str]]]:
    """The described labels, each with its descriptions without regard to order, case and white space."""
    described = [(label, texts) for label, texts in labels.items() if texts]
    return [(label, frozenset(" ".join(text.casefold().split()) for text in texts)) for label, texts in described]
