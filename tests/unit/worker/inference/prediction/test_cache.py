"""What the cache answers is what the model would have answered."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textsieve.worker.errors import PredictorError
from textsieve.worker.inference.prediction.cache import CachingPredictor
from textsieve.worker.inference.predictor import NoMeter
from textsieve.worker.testing import HashingPredictor


class Lookups(NoMeter):
    def __init__(self):
        self.calls = []

    def looked_up(self, *, hits, misses):
        self.calls.append((hits, misses))


def same(left, right):
    return all(
        np.array_equal(getattr(left, name), getattr(right, name))
        for name in ("probabilities", "embeddings", "token_counts", "truncated")
    )


words = st.sampled_from(["a", "b", "a b", "A", " a", "a ", "é", "long " * 300, "c d e", "\ud800"])
polls = st.lists(st.lists(words, max_size=12), max_size=12)


@given(polls=polls, messages=st.integers(1, 8))
def test_every_answer_is_the_models(polls, messages):
    cached, plain = CachingPredictor(HashingPredictor(), messages=messages), HashingPredictor()

    answers = [(cached.predict(texts), plain.predict(texts)) for texts in polls if texts]

    assert all(same(left, right) for left, right in answers)


@given(polls=polls, messages=st.integers(1, 8))
def test_no_text_is_asked_twice_in_one_poll_and_hits_and_misses_are_all(polls, messages):
    model = HashingPredictor()
    cached = CachingPredictor(model, messages=messages)
    cached.meter = Lookups()

    for texts in polls:
        cached.predict(texts)

    assert [len(texts) for texts in polls] == [hits + misses for hits, misses in cached.meter.calls]
    assert model.seen == [misses for _, misses in cached.meter.calls if misses]
    assert all(misses <= len(set(texts)) for texts, (_, misses) in zip(polls, cached.meter.calls, strict=True))


class Turning(HashingPredictor):
    """Its embeddings look the other way from the call on that follows an offer."""

    engine, offered = "plain", "plain"

    @property
    def card(self):
        return replace(HashingPredictor.card.fget(self), engine=self.engine)

    def predict(self, texts):
        self.engine = self.offered
        said = super().predict(texts)
        return said if self.engine == "plain" else replace(said, embeddings=-said.embeddings)


def test_no_answer_of_an_engine_is_recalled_when_another_has_taken_over():
    model, plain = Turning(), HashingPredictor()
    cached = CachingPredictor(model, messages=10)
    cached.predict(["one", "two"])
    model.offered = "turned"

    mixed, repeated = cached.predict(["one", "three", "two"]), cached.predict(["one"])

    assert np.array_equal(-plain.predict(["one", "three", "two"]).embeddings, mixed.embeddings)
    assert np.array_equal(-plain.predict(["one"]).embeddings, repeated.embeddings)
    assert 2 + 1 + 3 == sum(model.seen)  # those two, the new one that brings the change to light, and all again


def test_a_repeat_does_not_reach_the_model():
    model = HashingPredictor()
    cached = CachingPredictor(model, messages=10)

    cached.predict(["one", "two", "one"])
    cached.predict(["two", "three", "one"])

    assert [2, 1] == model.seen


@pytest.mark.parametrize("other", ["One", "one ", " one", "one\u200b", "one\x00"])
def test_only_the_same_string_is_a_repeat(other):
    model = HashingPredictor()
    cached = CachingPredictor(model, messages=10)

    cached.predict(["one"])
    cached.predict([other])

    assert [1, 1] == model.seen


def test_the_text_unused_for_longest_makes_room():
    model = HashingPredictor()
    cached = CachingPredictor(model, messages=2)

    for text in ("one", "two", "one", "three", "one", "two"):
        cached.predict([text])

    assert 4 == len(model.seen)  # one, two, three, and two again


def test_more_texts_at_once_than_are_kept_are_all_answered():
    cached, plain = CachingPredictor(HashingPredictor(), messages=3), HashingPredictor()
    texts = [f"word{number}" for number in range(10)]

    first, second = cached.predict(texts), cached.predict(texts[::-1])

    assert same(first, plain.predict(texts))
    assert same(second, plain.predict(texts[::-1]))


def test_what_is_handed_out_stays_as_it_was():
    cached = CachingPredictor(HashingPredictor(), messages=2)
    cached.predict(["one", "two"])
    answers = cached.predict(["one", "two"])
    before = answers.embeddings.copy()

    cached.predict(["three", "four"])

    assert np.array_equal(before, answers.embeddings)


def test_nothing_is_kept_of_a_call_that_failed():
    model = HashingPredictor(fail_on="bad", failure=PredictorError("planted"))
    cached = CachingPredictor(model, messages=10)

    with pytest.raises(PredictorError, match="planted"):
        cached.predict(["good", "bad"])
    cached.predict(["good"])

    assert [2, 1] == model.seen


def test_the_predictor_behind_has_the_same_meter():
    model = HashingPredictor()
    cached = CachingPredictor(model, messages=10)
    cached.meter = meter = Lookups()

    assert model.meter is meter
    assert cached.card == model.card


def test_no_texts_give_no_rows():
    assert (0, 2) == CachingPredictor(HashingPredictor(), messages=1).predict([]).probabilities.shape
