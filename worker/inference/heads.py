"""What turns a pooled embedding into logits."""

import functools
from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

Activation = Callable[[Tensor], Tensor]

# all-MiniLM-L6-v2 was trained with cosine similarities times 20 as logits (its model card), so 1/20 reads them back
ZERO_SHOT_TEMPERATURE = 0.05


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


class ZeroShotHead(nn.Module):
    """Cosine similarity to the nearest description of each label, over a temperature.

    A label with many descriptions is not favoured by their number: only its nearest one counts.

    Args:
        descriptions: one array per label, [descriptions of the label, dim] float32, rows of length 1.
        temperature: what similarities are divided by; lower is more decided.
    """

    def __init__(
        self, descriptions: Sequence[NDArray[np.float32]], *, temperature: float = ZERO_SHOT_TEMPERATURE
    ) -> None:
        super().__init__()
        self._counts = [len(rows) for rows in descriptions]
        self._temperature = temperature
        self.descriptions = nn.Parameter(torch.from_numpy(np.concatenate(descriptions)), requires_grad=False)

    def extra_repr(self) -> str:
        """What the graph depends on and the weights do not tell."""
        return f"counts={self._counts}, temperature={self._temperature}"

    def forward(self, embeddings: Tensor) -> Tensor:
        """[batch, dim], rows of length 1 -> logits [batch, labels]."""
        similarities = embeddings @ self.descriptions.T  # [batch, descriptions]
        per_label = torch.split_with_sizes(similarities, self._counts, dim=-1)  # labels x [batch, descriptions of it]
        nearest = [label.amax(dim=-1) for label in per_label]  # labels x [batch]
        return torch.stack(nearest, dim=-1) / self._temperature  # [batch, labels]


class NoHead(nn.Module):
    """No labels at all: for those who only want embeddings."""

    def forward(self, embeddings: Tensor) -> Tensor:
        """[batch, dim] -> [batch, 0]."""
        return embeddings[:, :0]
