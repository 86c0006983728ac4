"""One pass of a network over texts whose labels are known: for learning, and for judging what was learned."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from textsieve.trainer.data.examples import Targets
from textsieve.trainer.evaluation.calibration import Logits, log_loss, probabilities_of
from textsieve.trainer.evaluation.scores import decide, macro_f1
from textsieve.worker.batching import cut_batches
from textsieve.worker.inference.engines.engine import TokenBatch
from textsieve.worker.inference.model_folder.tokenizer import Tokens
from textsieve.worker.inference.networks.modules import EncoderNetwork
from textsieve.worker.records import Embeddings

EVAL_BATCH_TOKENS = 4096  # of a padded batch without gradients: memory stays below that of a training batch


class Padder(Protocol):
    """Makes padded batches."""

    def pad(self, tokens: Tokens, rows: NDArray[np.int64]) -> TokenBatch:
        """The padded batch of some rows."""
        ...


@dataclass(frozen=True, slots=True)
class TokenizedDataset:
    """Texts ready to learn from or to be judged by."""

    tokens: Tokens
    targets: Targets  # [texts, labels]
    original_embeddings: Embeddings  # [texts, dim], of the encoder before training, rows of length 1


@dataclass(frozen=True, slots=True)
class EvalResult:
    """How a network does on a material."""

    logits: Logits  # [texts, labels]
    loss: float  # log loss of the labels
    macro_f1: float
    cosine: float  # mean, of embeddings to the original ones


@dataclass(frozen=True, slots=True)
class ForwardPass:
    """A network, where it is, and who pads for it."""

    network: EncoderNetwork
    tokenizer: Padder
    device: torch.device
    multi_label: bool

    def logits(self, dataset: TokenizedDataset, rows: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        """Logits [rows, labels] and embeddings [rows, dim] of some texts."""
        batch = self.tokenizer.pad(dataset.tokens, rows)
        return self.network.logits(
            torch.from_numpy(batch.input_ids).to(self.device), torch.from_numpy(batch.attention_mask).to(self.device)
        )

    def evaluate(self, dataset: TokenizedDataset) -> EvalResult:
        """Answer all texts without learning; leaves the network in evaluation mode."""
        self.network.eval()
        targets = dataset.targets
        logits = np.empty(targets.shape, dtype=np.float32)
        cosines = np.empty(len(targets), dtype=np.float32)
        with torch.no_grad():
            for rows in cut_batches(dataset.tokens.lengths, max_batch_tokens=EVAL_BATCH_TOKENS):
                found, embeddings = self.logits(dataset, rows)
                logits[rows] = found.cpu().numpy()
                cosines[rows] = (embeddings.cpu().numpy() * dataset.original_embeddings[rows]).sum(axis=1)
        probabilities = probabilities_of(logits, multi_label=self.multi_label)
        return EvalResult(
            logits=logits,
            loss=log_loss(probabilities, targets, multi_label=self.multi_label),
            macro_f1=macro_f1(targets, decide(probabilities, multi_label=self.multi_label)),
            cosine=float(cosines.mean()),
        )
