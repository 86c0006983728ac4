"""The torch modules that answer both questions in one pass."""

from typing import Any, Literal

from torch import Tensor, nn

from worker.inference.layers import Activation

Pooling = Literal["mean", "cls"]


def pool(hidden: Tensor, attention_mask: Tensor, pooling: Pooling) -> Tensor:
    """One embedding of length 1 per text, in float32 whatever the network computes in.

    Args:
        hidden: [batch, width, dim], the last hidden state.
        attention_mask: [batch, width], 1 for real tokens.
        pooling: `mean` of the real tokens, or the first token (`cls`).

    Returns:
        [batch, dim] float32.

    Reference:
        Reimers and Gurevych, Sentence-BERT, EMNLP 2019, section 3.
    """
    return nn.functional.normalize(pool_unscaled(hidden, attention_mask, pooling), dim=-1)


def pool_unscaled(hidden: Tensor, attention_mask: Tensor, pooling: Pooling) -> Tensor:
    """`pool` before its rows are brought to length 1: [batch, dim] float32."""
    hidden = hidden.float()
    if pooling == "cls":
        return hidden[:, 0]
    mask = attention_mask[:, :, None].float()  # [batch, width, 1]
    return (hidden * mask).sum(dim=1) / mask.sum(dim=1)


class EncoderNetwork(nn.Module):
    """An encoder whose pooled hidden state feeds a head: `forward` gives (probabilities, embeddings).

    Args:
        encoder: token ids and mask -> an output with `last_hidden_state`.
        pooling: makes the embedding.
        head: [batch, dim] -> logits [batch, labels].
        activation: logits -> probabilities.
        head_pooling: makes what the head reads, unscaled; None: the head reads the embedding.
    """

    def __init__(
        self,
        encoder: nn.Module,
        *,
        pooling: Pooling,
        head: nn.Module,
        activation: Activation,
        head_pooling: Pooling | None = None,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = head
        self._pooling: Pooling = pooling
        self._head_pooling: Pooling | None = head_pooling
        self._activation = activation

    def extra_repr(self) -> str:
        """What the graph depends on and the weights do not tell."""
        return f"pooling={self._pooling}, head_pooling={self._head_pooling}"

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> tuple[Tensor, Tensor]:
        """Two [batch, width] int64 -> [batch, labels] and [batch, dim], float32."""
        logits, embeddings = self.logits(input_ids, attention_mask)
        return self._activation(logits), embeddings

    def logits(self, input_ids: Tensor, attention_mask: Tensor) -> tuple[Tensor, Tensor]:
        """`forward` before the activation: what training needs."""
        hidden = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        embeddings = pool(hidden, attention_mask, self._pooling)  # [batch, dim]
        if self._head_pooling is None:
            return self.head(embeddings), embeddings
        return self.head(pool_unscaled(hidden, attention_mask, self._head_pooling)), embeddings


class ClassifierNetwork(nn.Module):
    """A Hugging Face sequence classifier, its embedding pooled from its last hidden state in the same pass."""

    def __init__(self, classifier: nn.Module, *, activation: Activation) -> None:
        super().__init__()
        self.classifier = classifier
        self._activation = activation

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> tuple[Tensor, Tensor]:
        """Two [batch, width] int64 -> [batch, labels] and [batch, dim], float32."""
        output: Any = self.classifier(input_ids=input_ids, attention_mask=attention_mask, output_hidden_states=True)
        embeddings = pool(output.hidden_states[-1], attention_mask, "mean")  # [batch, dim]
        return self._activation(output.logits.float()), embeddings
