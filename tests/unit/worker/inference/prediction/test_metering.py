"""The predictor tells its meter what a call spends."""

import numpy as np
import pytest

from textsieve.worker.errors import DeviceOutOfMemory
from textsieve.worker.inference.engines.engine import Answers, TokenBatch
from textsieve.worker.inference.model_folder.tokenizer import Tokens
from textsieve.worker.inference.prediction.transformer import TransformerPredictor
from textsieve.worker.inference.predictor import ModelCard


class Words:
    """One token a word."""

    def tokenize(self, texts):
        lengths = np.asarray([len(text.split()) for text in texts])
        return Tokens([np.ones(n, np.int64) for n in lengths], lengths, np.zeros(len(texts), np.bool_))

    def pad(self, tokens, rows):
        width = tokens.lengths[rows].max()
        mask = (np.arange(width) < tokens.lengths[rows][:, None]).astype(np.int64)  # [rows, width]
        return TokenBatch(mask, mask)


class SmallDevice:
    """Holds so many tokens and no more."""

    def __init__(self, room):
        self.room = room

    def embed_and_classify(self, batch):
        if batch.input_ids.size > self.room:
            raise DeviceOutOfMemory("full")
        rows = len(batch.input_ids)
        return Answers(np.full((rows, 2), 0.5, np.float32), np.eye(rows, 3, dtype=np.float32))


class Notes:
    def __init__(self):
        self.calls = []

    def tokenized(self, *, seconds):
        self.calls.append(("tokenized", seconds >= 0))

    def passed(self, *, seconds, real_tokens, padding_tokens):
        self.calls.append(("passed", real_tokens, padding_tokens))
        assert seconds >= 0

    def out_of_memory(self):
        self.calls.append(("out of memory",))


@pytest.fixture
def predict():
    def run(texts, *, room=100):
        card = ModelCard("m", "1", ("a", "b"), 3, max_tokens=10, fingerprint="f")
        predictor = TransformerPredictor(card, tokenizer=Words(), engine=SmallDevice(room), max_batch_tokens=50)
        predictor.meter = Notes()
        predictor.predict(texts)
        return predictor.meter.calls

    return run


def test_real_tokens_and_padding_are_told_apart(predict):
    assert [("tokenized", True), ("passed", 5, 1)] == predict(["one two", "one two three"])


def test_a_batch_that_does_not_fit_is_told_and_its_tokens_count_once(predict):
    calls = predict(["one two", "one two", "one two"], room=4)

    assert ("out of memory",) in calls
    assert 6 == sum(call[1] for call in calls if call[0] == "passed")
