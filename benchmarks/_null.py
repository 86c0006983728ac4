"""A worker whose model costs nothing: `python benchmarks/_null.py section.option=value ...`."""

import sys
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from textsieve.worker import app
from textsieve.worker.__main__ import _exit_codes
from textsieve.worker.inference.predictor import ModelCard
from textsieve.worker.loading import load_settings
from textsieve.worker.records import Predictions

DIM = 384  # as wide as the embeddings of the model that is built in
SPREAD = 4096  # distinct embeddings: enough for clusters to differ, few enough to be made once


def _table() -> np.ndarray:
    rows = np.random.default_rng(1).standard_normal((SPREAD, DIM))  # [SPREAD, DIM]
    lengths: np.ndarray = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / lengths, np.float32)


@dataclass(frozen=True, slots=True)
class NullPredictor:
    """Answers from a table by the checksum of the text: what is measured is everything but a model."""

    labels: tuple[str, ...] = ("ham", "spam")
    table: np.ndarray = field(default_factory=_table)

    @property
    def card(self) -> ModelCard:
        """See Predictor."""
        return ModelCard("null", "1", self.labels, DIM, max_tokens=256, fingerprint=f"null-{DIM}")

    def predict(self, texts: Sequence[str]) -> Predictions:
        """See Predictor."""
        rows = np.asarray([zlib.crc32(text.encode("utf-8", "surrogatepass")) % SPREAD for text in texts])  # [batch]
        spam = (self.table[rows, 0] > 0).astype(np.float32)  # [batch]
        return Predictions(
            probabilities=np.stack([1 - spam, spam], axis=1),
            embeddings=self.table[rows],
            token_counts=np.full(len(texts), 16, np.int64),
            truncated=np.zeros(len(texts), np.bool_),
        )


if __name__ == "__main__":
    with _exit_codes():
        app.run(load_settings(overrides=sys.argv[1:]), parts=app.Parts(predictor=NullPredictor()))
