"""The torch modules that answer both questions in one pass."""

from collections.abc import Mapping, Sequence
from typing import Any

from safetensors.torch import load
from torch import Tensor, nn

from textsieve.worker.errors import ConfigurationError
from textsieve.worker.inference.model_folder.model_files import weight_files
from textsieve.worker.inference.model_folder.sentence_modules import Dense, Pooling
from textsieve.worker.inference.networks.heads import Activation

DenseLayers = nn.Sequential  # [batch, dim] -> [batch, another dim]
_ACTIVATIONS: Mapping[str, type[nn.Module]] = {
    "identity": nn.Identity,
    "tanh": nn.Tanh,
    "relu": nn.ReLU,
    "gelu": nn.GELU,
    "sigmoid": nn.Sigmoid,
    "silu": nn.SiLU,
}


def dense_layers(described: Sequence[Dense]) -> DenseLayers:
    """The layers that a folder has behind its pooling, in float32 with weights of their own.

    Raises:
        ConfigurationError: weights are missing, or of another shape than described.
    """
    layers: list[nn.Module] = []
    for dense in described:
        linear = nn.Linear(dense.in_features, dense.out_features, bias=dense.bias)
        try:
            stored = load(weight_files(dense.folder)[0].read_bytes())
            linear.load_state_dict({name.removeprefix("linear."): tensor for name, tensor in stored.items()})
        except (OSError, RuntimeError, ValueError, KeyError) as error:
            raise ConfigurationError(
                f"{dense.folder}: expected a dense layer from {dense.in_features} to {dense.out_features} numbers, "
                f"got {type(error).__name__}; restore the folder"
            ) from error
        layers += [linear, _ACTIVATIONS[dense.activation]()]
    return nn.Sequential(*layers).float().requires_grad_(requires_grad=False)


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
        dense: layers between the pooling and the embedding, None where there are none.
    """

    def __init__(
        self,
        encoder: nn.Module,
        *,
        pooling: Pooling,
        head: nn.Module,
        activation: Activation,
        head_pooling: Pooling | None = None,
        dense: DenseLayers | None = None,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.dense = dense
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
        pooled = pool_unscaled(hidden, attention_mask, self._pooling)
        embeddings = nn.functional.normalize(
            pooled if self.dense is None else self.dense(pooled), dim=-1
        )  # [batch, dim]
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
        states = output.get("hidden_states") or output.decoder_hidden_states  # of an encoder and decoder: the latter's
        if states[-1].shape[1] != input_ids.shape[1]:
            raise ValueError(f"a last hidden state of {states[-1].shape[1]} for {input_ids.shape[1]} tokens")
        embeddings = pool(states[-1], attention_mask, "mean")  # [batch, dim]
        return self._activation(output.logits.float()), embeddings
