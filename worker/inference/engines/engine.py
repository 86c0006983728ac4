"""The protocol between the predictor and whatever runs the network."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from textsieve.worker.inference.heads.linear import Features
from textsieve.worker.records import Embeddings


@dataclass(frozen=True, slots=True)
class TokenBatch:
    """Texts as token ids, padded on the right to the longest of them."""

    input_ids: NDArray[np.int64]  # [batch, width]
    attention_mask: NDArray[np.int64]  # [batch, width], 1 for real tokens, 0 for padding


@dataclass(frozen=True, slots=True)
class Answers:
    """What one pass says about a token batch; row i belongs to row i of the batch."""

    features: Features  # [batch, n], what the head reads: logits where the network has a head of its own
    embeddings: Embeddings  # [batch, dim], rows have length 1


class Engine(Protocol):
    """Runs the network on a device."""

    def embed_and_classify(self, batch: TokenBatch) -> Answers:
        """Answer both questions in one pass, the first as far as its head.

        Raises:
            DeviceOutOfMemory: the batch does not fit; a smaller one may.
            PredictorError: the network failed in any other way.
        """
        ...
