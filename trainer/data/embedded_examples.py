"""Labelled texts with what an encoder makes of them."""

from dataclasses import dataclass

from textsieve.trainer.data.examples import Examples
from textsieve.trainer.data.splits import Indices
from textsieve.worker.records import Embeddings


@dataclass(frozen=True, slots=True)
class EmbeddedExamples:
    """Examples and the embeddings that the encoder gave them before any training."""

    examples: Examples
    embeddings: Embeddings  # [texts, dim]

    def pick(self, rows: Indices) -> "EmbeddedExamples":
        """Some of them."""
        return EmbeddedExamples(self.examples.pick(rows), self.embeddings[rows])
