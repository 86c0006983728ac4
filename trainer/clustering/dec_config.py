"""How an embedding is refined for clusters, and what was seen on the way; without torch, which learns."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DecConfig:
    """Every number that the refined weights depend on, beside the texts."""

    steps: int = 100  # at most
    refresh: int = 50  # steps between two targets
    batch_size: int = 128  # texts
    layers: int = 2  # the upper ones learn, the others stay
    learning_rate: float = 2e-5  # of the layers
    center_learning_rate: float = 1e-3
    keep_embedding: float = 1.0  # weight of 1 - cosine to the original embedding, as in fine-tuning
    tolerance: float = 0.001  # share of texts that change their cluster between two targets: fewer, and it ends
    seed: int = 0


@dataclass(frozen=True, slots=True)
class EvalSnapshot:
    """What was found when a target was made."""

    step: int
    changed: float  # share of the texts whose cluster was another one at the look before; 1 at the first
    divergence: float  # of target and assignment, over all texts
    cosine: float  # mean, to the original embeddings
