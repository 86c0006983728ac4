"""A worker whose model costs nothing, or nothing but its tokenizer.

Arguments: the tokenizer's folder or `none`, then `section.option=value ...`.
"""

import sys
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import tokenizers

from benchmarks.speed.rivals.options import WINDOW
from textsieve.worker import app
from textsieve.worker.commands.console import exit_codes
from textsieve.worker.inference.model_folder.tokenizer import Tokenizer
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


@dataclass(frozen=True, slots=True)
class TokenisingPredictor:
    """The null predictor behind a real tokenizer."""

    tokenizer: Tokenizer
    null: NullPredictor = field(default_factory=NullPredictor)

    @property
    def card(self) -> ModelCard:
        """See Predictor."""
        return self.null.card

    def predict(self, texts: Sequence[str]) -> Predictions:
        """See Predictor."""
        self.tokenizer.tokenize(texts)
        return self.null.predict(texts)


def main() -> None:
    """Run the worker that the command line describes."""
    predictor: NullPredictor | TokenisingPredictor = NullPredictor()
    if sys.argv[1] != "none":
        backend = tokenizers.Tokenizer.from_file(f"{sys.argv[1]}/tokenizer.json")
        predictor = TokenisingPredictor(Tokenizer(backend, max_tokens=WINDOW, pad_id=0))
    with exit_codes():
        app.run(load_settings(overrides=sys.argv[2:]), overrides=app.Overrides(predictor=predictor))


if __name__ == "__main__":
    main()
