"""Which labels a text is given: from its probabilities, and from thresholds where a model has them."""

import numpy as np
from numpy.typing import NDArray

from textsieve.worker.inference.predictor import ModelCard
from textsieve.worker.records import LabelIds, Probabilities

AssignedLabels = NDArray[np.bool_]  # [batch, labels]

EVEN = 0.5  # the threshold of an independent label that has none of its own: more likely than not


def assigned_labels(probabilities: Probabilities, card: ModelCard) -> AssignedLabels:
    """The labels that each text is given.

    Independent labels: each one from its threshold on. Exclusive labels, exactly one: the likeliest of those with a
    threshold that reach it; where none does, or none has one, the likeliest of the others.

    Args:
        probabilities: [batch, labels].
        card: of the model: labels, thresholds, and whether labels are independent.

    Example:
        >>> card = ModelCard("m", "1", ("ham", "spam"), 2, 256, "f", thresholds={"spam": 0.8})
        >>> assigned_labels(np.array([[0.3, 0.7], [0.1, 0.9]], np.float32), card).tolist()
        [[True, False], [False, True]]
    """
    if card.multi_label:
        return probabilities >= least_probabilities(card, otherwise=EVEN)
    if not card.thresholds:
        return _one_each(probabilities.argmax(axis=1), labels=len(card.labels))
    least = least_probabilities(card, otherwise=np.inf)
    reached = probabilities >= least  # [batch, labels]
    open_to = np.where(reached.any(axis=1, keepdims=True), reached, np.isinf(least))  # [batch, labels]
    return _one_each(argmax_label(probabilities, open_to), labels=len(card.labels))


def expected_loss(given: AssignedLabels, probabilities: Probabilities, card: ModelCard) -> NDArray[np.float64]:
    """[batch]: how much likelier to be wrong these labels are than those that the probabilities themselves lead to.

    For exclusive labels without thresholds it is p(their label) - p(the label given): changing one's mind between two
    labels that are equally likely loses nothing, however many texts it happens to. A threshold says at which
    probability both answers are equally good, so for a label that has one, and for an independent one, it is the
    distance of the probability from it.

    Args:
        given: what was decided by other probabilities, as `assigned_labels` does.
        probabilities: [batch, labels], those that are believed.
        card: as for `assigned_labels`.

    Example:
        >>> card = ModelCard("m", "1", ("ham", "spam"), 2, 256, "f")
        >>> believed = np.array([[0.25, 0.75], [0.25, 0.75]], np.float32)
        >>> expected_loss(np.array([[True, False], [False, True]]), believed, card).tolist()
        [0.5, 0.0]
    """
    wanted = assigned_labels(probabilities, card)
    least = least_probabilities(card, otherwise=EVEN if card.multi_label else np.inf)  # [labels]
    judged = (given != wanted) & np.isfinite(least)  # [batch, labels]: on the other side of a threshold
    distances = np.where(judged, np.abs(probabilities - np.where(np.isfinite(least), least, 0)), 0)
    loss: NDArray[np.float64] = distances.sum(axis=1, dtype=np.float64)  # [batch]
    if card.multi_label:
        return loss
    lost = np.where(wanted, probabilities, 0).sum(axis=1) - np.where(given, probabilities, 0).sum(axis=1)  # [batch]
    answer: NDArray[np.float64] = np.where(judged.any(axis=1), loss, np.maximum(lost, 0))
    return answer


def argmax_label(probabilities: Probabilities, given: AssignedLabels) -> LabelIds:
    """[batch]: the likeliest of the labels a text is given, the likeliest of all where it is given none."""
    best: LabelIds = np.where(given, probabilities, probabilities - 2).argmax(axis=1)  # 2: below all others
    return best


def least_probabilities(card: ModelCard, *, otherwise: float) -> NDArray[np.float32]:
    """[labels]: the threshold of each label, `otherwise` for those without."""
    # probabilities are float32: a threshold that was one of them must compare as equal to it
    return np.asarray([card.thresholds.get(label, otherwise) for label in card.labels], np.float32)


def _one_each(chosen: NDArray[np.int64], *, labels: int) -> AssignedLabels:
    given = np.zeros((len(chosen), labels), dtype=np.bool_)
    given[np.arange(len(chosen)), chosen] = True
    return given
