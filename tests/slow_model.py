"""A predictor whose passes take the time that a small encoder takes on two cores, by a clock that is set by hand."""

from dataclasses import dataclass, field

import numpy as np

from textsieve.worker.inference.engines.engine import Answers, TokenBatch
from textsieve.worker.inference.model_folder.tokenizer import Tokens
from textsieve.worker.inference.prediction.transformer import TransformerPredictor
from textsieve.worker.inference.predictor import ModelCard
from textsieve.worker.testing import ManualClock

CARD = ModelCard(name="slow", version="1", labels=("ham", "spam"), dim=2, max_tokens=512, fingerprint="slow")
TOKEN_SECONDS = 6.6e-5
ATTENTION_SECONDS = 6e-7  # of a token and a token of its row
MAX_BATCH_TOKENS = 4096
PASS_SECONDS = MAX_BATCH_TOKENS * (TOKEN_SECONDS + ATTENTION_SECONDS * CARD.max_tokens)  # the longest one


class WordTokenizer:
    """A token for each word."""

    def tokenize(self, texts):
        counts = np.asarray([len(text.split()) for text in texts], np.int64)
        lengths = np.minimum(counts, CARD.max_tokens)
        return Tokens([np.ones(length, np.int64) for length in lengths], lengths, counts > CARD.max_tokens)

    def pad(self, tokens, rows):
        mask = np.arange(tokens.lengths[rows].max())[None, :] < tokens.lengths[rows][:, None]
        return TokenBatch(mask.astype(np.int64), mask.astype(np.int64))


@dataclass(slots=True)
class SlowEngine:
    """Lets the clock go on as a device would; its answers mean nothing."""

    clock: ManualClock
    cold_seconds: float = 0.0  # on top of the first pass
    spent: list[float] = field(default_factory=list)  # seconds of each pass

    def embed_and_classify(self, batch):
        rows, width = batch.input_ids.shape
        cold = 0.0 if self.spent else self.cold_seconds
        self.spent.append(cold + rows * width * (TOKEN_SECONDS + ATTENTION_SECONDS * width))
        self.clock.advance(self.spent[-1])
        return Answers(np.full((rows, 2), 0.5, np.float32), np.full((rows, 2), 0.5**0.5, np.float32))


def slow_predictor(
    clock: ManualClock, *, max_seconds: float | None = None, cold_seconds: float = 0.0
) -> TransformerPredictor:
    """A predictor over a SlowEngine."""
    predictor = TransformerPredictor(
        CARD,
        tokenizer=WordTokenizer(),
        engine=SlowEngine(clock, cold_seconds),
        max_batch_tokens=MAX_BATCH_TOKENS,
        clock=clock,
    )
    predictor.max_seconds = max_seconds
    return predictor


def words(count: int) -> str:
    """A text of so many tokens."""
    return " ".join(["word"] * count)
