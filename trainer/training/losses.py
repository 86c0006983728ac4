"""What fine-tuning makes small."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from textsieve.trainer.data.examples import Targets
from textsieve.trainer.training.config import ClassWeights

# a label held by one text in a thousand would otherwise outweigh all the others in its batch
_GREATEST_WEIGHT = 20.0


def label_loss(logits: Tensor, targets: Tensor, *, multi_label: bool, weights: Tensor | None) -> Tensor:
    """Cross-entropy: over exclusive labels, or binary for each label where several may hold.

    Args:
        logits: [batch, labels].
        targets: [batch, labels] float32, 1 where the label holds.
        multi_label: whether labels are independent.
        weights: [labels], as `label_weights`; None counts every text the same.
    """
    if multi_label:
        return functional.binary_cross_entropy_with_logits(logits, targets, pos_weight=weights)
    return functional.cross_entropy(logits, targets.argmax(dim=-1), weight=weights)


def drift(embeddings: Tensor, original_embeddings: Tensor) -> Tensor:
    """Mean of 1 - cosine between embeddings now and before training; rows of both have length 1."""
    return 1 - (embeddings * original_embeddings).sum(dim=-1).mean()


def label_weights(targets: Targets, *, multi_label: bool, kind: ClassWeights) -> NDArray[np.float32] | None:
    """Weights that let rare labels count as much as frequent ones, at most 20 to 1.

    Exclusive labels: texts / (labels x texts of the label). Independent labels: texts without over texts with it.
    Weighted training makes probabilities of rare labels too high; the temperature does not take that back.
    """
    if kind == "none":
        return None
    support = np.maximum(targets.sum(axis=0), 1)
    weights = (len(targets) - support) / support if multi_label else len(targets) / (targets.shape[1] * support)
    return np.asarray(np.clip(weights, 1 / _GREATEST_WEIGHT, _GREATEST_WEIGHT), dtype=np.float32)


def to_tensor(weights: NDArray[np.float32] | None, device: torch.device) -> Tensor | None:
    """The weights on the device of the logits."""
    return None if weights is None else torch.from_numpy(weights).to(device)
