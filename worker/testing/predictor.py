"""A predictor without a model."""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from textsieve.worker.inference.predictor import Meter, ModelCard, NoMeter
from textsieve.worker.records import Predictions


@dataclass(slots=True)
class HashingPredictor:
    """A predictor without a model: words are hashed into an embedding, its first number decides the label.

    Fast, deterministic and real enough to cluster: texts that share words lie close together.

    Attributes:
        fail_on: texts containing this word raise `failure`.
    """

    labels: tuple[str, ...] = ("ham", "spam")
    dim: int = 16
    fail_on: str | None = None
    failure: Exception | None = None
    seen: list[int] = field(default_factory=list)  # batch sizes, in order
    meter: Meter = field(default_factory=NoMeter)

    @property
    def card(self) -> ModelCard:
        """See Predictor."""
        return ModelCard("hashing", "1", self.labels, self.dim, max_tokens=256, fingerprint=f"hashing-{self.dim}")

    def predict(self, texts: Sequence[str]) -> Predictions:
        """See Predictor."""
        self.seen.append(len(texts))
        if self.fail_on and self.failure and any(self.fail_on in text for text in texts):
            raise self.failure
        began = time.perf_counter()
        counts = np.asarray([len(text.split()) for text in texts], np.int64)
        self.meter.tokenized(seconds=time.perf_counter() - began)
        began = time.perf_counter()
        embeddings = np.stack([self._embed(text) for text in texts])  # [batch, dim]
        logits = embeddings[:, : len(self.labels)] * 4  # [batch, labels]
        odds = np.exp(logits)
        real = int(counts.sum())
        self.meter.passed(
            seconds=time.perf_counter() - began,
            real_tokens=real,
            padding_tokens=int(counts.max()) * len(counts) - real,  # as a model would pad them
        )
        return Predictions(
            probabilities=(odds / odds.sum(axis=1, keepdims=True)).astype(np.float32),
            embeddings=embeddings,
            token_counts=np.minimum(counts, self.card.max_tokens),
            truncated=counts > self.card.max_tokens,
        )

    def _embed(self, text: str) -> "np.ndarray[tuple[int], np.dtype[np.float32]]":
        vector = np.zeros(self.dim, np.float64)
        for word in text.split() or [text]:
            vector += _direction(word, self.dim)
        return (vector / max(float(np.linalg.norm(vector)), 1e-12)).astype(np.float32)


@lru_cache(maxsize=4096)
def _direction(word: str, dim: int) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """Where a word points, [dim]: always the same, and another for each word."""
    digest = hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return np.random.default_rng(int.from_bytes(digest)).standard_normal(dim)
