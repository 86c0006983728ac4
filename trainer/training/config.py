"""How an encoder is fine-tuned, and how each epoch of it ended; without torch, which learns."""

from dataclasses import dataclass
from typing import Literal

from textsieve.worker.inference.model_folder.sentence_modules import Pooling

HEAD_POOLING: Pooling = "cls"  # what the head reads: free to move, while the mean is held where it was

ClassWeights = Literal["none", "balanced"]
Precision = Literal["fp32", "bf16"]


@dataclass(frozen=True, slots=True)
class TrainingConfig:
    """Every number that the tuned weights depend on, beside the data."""

    epochs: int = 3  # at most; the learning rate reaches 0 at their end
    batch_size: int = 32  # texts
    learning_rate: float = 5e-5  # of the encoder, at its peak
    head_learning_rate: float = 1e-3  # the head begins at random and reads one vector: it may and must move faster
    warmup: float = 0.1  # share of all steps in which the learning rate rises from 0
    weight_decay: float = 0.01  # of matrices; biases and norms are left alone
    keep_embedding: float = 1.0  # weight of 1 - cosine to the original embedding; 0 lets the embedding go
    class_weights: ClassWeights = "none"
    patience: int = 2  # epochs without a better validation score before the end
    validation: float = 0.1  # share of the texts that picks the epoch and the temperature
    precision: Precision = "fp32"  # of products while learning; weights, optimizer and validation are always fp32
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Epoch:
    """How one pass over the training texts ended."""

    training_loss: float  # label loss and drift as they were weighted, mean over steps
    validation_loss: float  # label loss alone
    macro_f1: float  # on the validation texts
    cosine: float  # mean, of validation embeddings to the original ones
