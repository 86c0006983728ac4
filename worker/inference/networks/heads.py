"""The head as torch trains it: what turns a pooled embedding into logits, and logits into probabilities."""

import functools
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

Activation = Callable[[Tensor], Tensor]


def activation_of(*, multi_label: bool) -> Activation:
    """Softmax over exclusive labels; a sigmoid per label where several may hold at once, never softmax there."""
    return torch.sigmoid if multi_label else functools.partial(torch.softmax, dim=-1)


class LinearHead(nn.Module):
    """A linear map: logits = embeddings @ weight.T + bias.

    Args:
        weight: [labels, dim] float32.
        bias: [labels] float32.
    """

    def __init__(self, weight: NDArray[np.float32], bias: NDArray[np.float32]) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.from_numpy(weight.copy()), requires_grad=False)  # [labels, dim]
        self.bias = nn.Parameter(torch.from_numpy(bias.copy()), requires_grad=False)  # [labels]

    def forward(self, embeddings: Tensor) -> Tensor:
        """[batch, dim] -> logits [batch, labels]."""
        return nn.functional.linear(embeddings, self.weight, self.bias)


class NoHead(nn.Module):
    """No labels at all: for those who only want embeddings."""

    def forward(self, embeddings: Tensor) -> Tensor:
        """[batch, dim] -> [batch, 0]."""
        return embeddings[:, :0]


def identity(features: Tensor) -> Tensor:
    """The activation of a network whose head is outside (`worker.inference.heads.linear`)."""
    return features
