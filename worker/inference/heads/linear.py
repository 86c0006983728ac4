"""From what an engine hands over about a text to the probabilities of its labels, outside the network.

So one graph serves every head over an encoder, and a head needs no torch.
"""

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from textsieve.worker.records import Probabilities

Features = NDArray[np.float32]  # [batch, n]: what a head reads


@dataclass(frozen=True, slots=True)
class Head:
    """Logits are features @ weight.T + bias; probabilities a softmax over exclusive labels, a sigmoid for each other.

    Attributes:
        multi_label: several labels may hold at once: a sigmoid for each, never softmax there.
        weight: [labels, n]; None where the network has a head of its own, so that features are logits.
        bias: [labels]; None as `weight`.

    Example:
        >>> head = Head(multi_label=False, weight=np.eye(2, dtype=np.float32), bias=np.zeros(2, np.float32))
        >>> head.probabilities(np.zeros((1, 2), np.float32)).tolist()
        [[0.5, 0.5]]
    """

    multi_label: bool
    weight: NDArray[np.float32] | None = None
    bias: NDArray[np.float32] | None = None

    def digest(self) -> str:
        """The sha256 of all of it, in hex."""
        told = hashlib.sha256(str(self.multi_label).encode())
        for part in (self.weight, self.bias):
            told.update(b"" if part is None else f"{part.shape}".encode() + np.ascontiguousarray(part).tobytes())
        return told.hexdigest()

    def logits(self, features: Features) -> NDArray[np.float32]:
        """[batch, n] -> [batch, labels]."""
        if self.weight is None or self.bias is None:
            return features
        return features @ self.weight.T + self.bias

    def probabilities(self, features: Features) -> Probabilities:
        """[batch, n] -> [batch, labels], float32; what is not finite stays so, for the predictor to refuse."""
        with np.errstate(invalid="ignore", over="ignore"):
            logits = self.logits(features)
            if self.multi_label:
                return np.exp(-np.logaddexp(np.float32(0), -logits))
            if not logits.size:
                return logits
            exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))  # of at most 0: they do not overflow
            shares: Probabilities = exponentials / exponentials.sum(axis=1, keepdims=True)
            return shares
