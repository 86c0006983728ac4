"""The predictor restores the order, survives a small device, and refuses answers that are no numbers."""

import numpy as np
import pytest
from structlog.testing import capture_logs

from textsieve.worker.errors import DeviceOutOfMemory, PredictorError
from textsieve.worker.inference.engines.engine import Answers, TokenBatch
from textsieve.worker.inference.model_folder.tokenizer import Tokens
from textsieve.worker.inference.prediction.transformer import TransformerPredictor
from textsieve.worker.inference.predictor import ModelCard

CARD = ModelCard(name="fake", version="1", labels=("short", "long"), dim=1, max_tokens=16, fingerprint="f")


class CharacterTokenizer:
    """One token per character; pads like the real one."""

    def tokenize(self, texts):
        lengths = np.array([len(text) for text in texts], dtype=np.int64)
        ids = [np.array([ord(character) for character in text], dtype=np.int64) for text in texts]
        return Tokens(ids=ids, lengths=lengths, truncated=lengths > CARD.max_tokens)

    def pad(self, tokens, rows):
        width = tokens.lengths[rows].max()
        ids = np.stack([np.pad(tokens.ids[row], (0, width - len(tokens.ids[row]))) for row in rows])
        return TokenBatch(input_ids=ids, attention_mask=(ids > 0).astype(np.int64))


class SplittingTokenizer(CharacterTokenizer):
    """Splits texts every four characters, without overlap."""

    def tokenize(self, texts):
        rows = [text[start : start + 4] for text in texts for start in range(0, len(text), 4)]
        tokens = super().tokenize(rows)
        windows = np.array([-(-len(text) // 4) for text in texts])
        return Tokens(tokens.ids, tokens.lengths, np.zeros(len(texts), np.bool_), windows, tokens.lengths)


class SummingEngine:
    """The embedding of a text is the sum of its tokens; batches above `capacity` padded tokens do not fit."""

    def __init__(self, capacity=10_000, constant=None):
        self.capacity = capacity
        self.constant = constant
        self.shapes = []

    def embed_and_classify(self, batch):
        self.shapes.append(batch.input_ids.shape)
        if batch.input_ids.size > self.capacity:
            raise DeviceOutOfMemory("too large")
        sums = batch.input_ids.sum(axis=1, keepdims=True).astype(np.float32)
        if self.constant is not None:
            sums[-1] = self.constant
        return Answers(features=np.hstack([sums, sums]), embeddings=sums)


def predictor(engine, *, max_batch_tokens=64):
    return TransformerPredictor(CARD, tokenizer=CharacterTokenizer(), engine=engine, max_batch_tokens=max_batch_tokens)


def sums(texts):
    return [sum(map(ord, text)) for text in texts]


TEXTS = ["dddd", "a", "ccc", "bb", "eeeeeeeee", "ff"]


def test_rows_come_back_in_the_order_of_the_texts():
    predictions = predictor(SummingEngine(), max_batch_tokens=6).predict(TEXTS)

    assert sums(TEXTS) == predictions.embeddings[:, 0].tolist()


def test_texts_are_cut_into_batches_under_the_budget():
    engine = SummingEngine()

    predictor(engine, max_batch_tokens=6).predict(TEXTS)

    assert all(rows == 1 or rows * width <= 6 for rows, width in engine.shapes)


def test_no_texts_give_empty_arrays():
    predictions = predictor(SummingEngine()).predict([])

    assert ((0, 2), (0, 1)) == (predictions.probabilities.shape, predictions.embeddings.shape)


def test_texts_beyond_the_window_are_marked():
    predictions = predictor(SummingEngine()).predict(["short", "x" * 17])

    assert [False, True] == predictions.truncated.tolist()


@pytest.mark.parametrize("capacity", [10_000, 5])
def test_every_window_of_a_long_text_is_read_and_every_text_is_answered_once(capacity):
    engine = SummingEngine(capacity=capacity)
    splitting = TransformerPredictor(CARD, tokenizer=SplittingTokenizer(), engine=engine, max_batch_tokens=64)

    predictions = splitting.predict(["ab", "aaaabbbbcc", "b"])

    weighted = (4 * 4 * 97 + 4 * 4 * 98 + 2 * 2 * 99) / 10
    assert pytest.approx([97 + 98, weighted, 98]) == predictions.probabilities[:, 0].tolist()
    assert [2, 10, 1] == predictions.token_counts.tolist()
    assert sum(rows for rows, width in engine.shapes if rows * width <= capacity) == 5


def test_a_small_device_gets_smaller_batches_and_every_text_is_answered():
    engine = SummingEngine(capacity=10)

    predictions = predictor(engine).predict(TEXTS * 3)

    assert sums(TEXTS * 3) == predictions.embeddings[:, 0].tolist()


def test_a_shrunken_budget_is_remembered_and_logged_once():
    engine = SummingEngine(capacity=30)
    small = predictor(engine)

    with capture_logs() as lines:
        small.predict(TEXTS * 4)
        small.predict(TEXTS * 4)

    assert ["the device was full: smaller batches from now on"] == [line["event"] for line in lines]


def test_a_single_text_that_does_not_fit_is_out_of_memory():
    with pytest.raises(DeviceOutOfMemory):
        predictor(SummingEngine(capacity=3)).predict(TEXTS)


@pytest.mark.parametrize("constant", [np.nan, np.inf])
def test_answers_that_are_no_finite_numbers_are_refused(constant):
    with pytest.raises(PredictorError, match="expected finite numbers"):
        predictor(SummingEngine(constant=constant)).predict(["text"])


def test_a_tokenizer_that_fails_is_a_predictor_error_without_the_text():
    class Failing(CharacterTokenizer):
        def tokenize(self, texts):
            raise TypeError(texts[0])

    broken = TransformerPredictor(CARD, tokenizer=Failing(), engine=SummingEngine(), max_batch_tokens=8)

    with pytest.raises(PredictorError) as caught:
        broken.predict(["my secret"])

    assert "secret" not in str(caught.value)


class PanicException(BaseException):
    """What a Rust extension raises where it must not go on: outside of Exception, and nowhere to be imported from."""


class PanickingTokenizer(CharacterTokenizer):
    def __init__(self, error):
        self.error = error

    def tokenize(self, texts):
        raise self.error


@pytest.mark.parametrize("error", [PanicException("byte index 3 of secret-text"), TypeError("secret-text")])
def test_a_tokenizer_that_breaks_or_panics_is_a_failure_of_the_batch_and_quotes_no_text(error):
    broken = TransformerPredictor(CARD, tokenizer=PanickingTokenizer(error), engine=SummingEngine(), max_batch_tokens=8)

    with pytest.raises(PredictorError, match=type(error).__name__) as failed:
        broken.predict(TEXTS)

    assert "secret-text" not in str(failed.value)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(1)])
def test_an_end_of_the_process_is_no_failure_of_the_tokenizer(error):
    search = TransformerPredictor(CARD, tokenizer=PanickingTokenizer(error), engine=SummingEngine(), max_batch_tokens=8)

    with pytest.raises(type(error)):
        search.predict(TEXTS)
