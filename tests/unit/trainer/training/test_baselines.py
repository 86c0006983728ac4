"""The classical methods take exclusive and independent labels, and say what they weigh."""

import numpy as np
import pytest

from textsieve.trainer.data.examples import Row, dedupe
from textsieve.trainer.training.baselines import BASELINES, decide_sklearn, make_baseline, model_bytes, sklearn_targets

ROWS = [("free prize", ("spam",)), ("win prize", ("spam",)), ("see you", ("ham",)), ("see dinner", ("ham",))]


def fitted(name, *, multi_label):
    examples = dedupe((Row(1, text, labels) for text, labels in ROWS), multi_label=multi_label)
    model = make_baseline(name, multi_label=multi_label, seed=0)
    return model.fit(examples.texts, sklearn_targets(examples, ("ham", "spam")))


@pytest.mark.parametrize("multi_label", [False, True])
@pytest.mark.parametrize("name", BASELINES)
def test_what_was_taught_is_answered(name, multi_label):
    decided = decide_sklearn(fitted(name, multi_label=multi_label), ["prize", "see"], labels=2)

    assert [[False, True], [True, False]] == decided.tolist()


def test_a_model_weighs_its_arrays_and_its_words():
    model = fitted("words-svm", multi_label=False)

    features, classifier = model[0], model[1]
    words = sum(len(word) + 8 for word in features.vocabulary_)
    arrays = features.idf_.nbytes + classifier.coef_.nbytes + classifier.intercept_.nbytes + classifier.classes_.nbytes
    assert words + arrays <= model_bytes(model) < words + arrays + 500


def test_words_weigh_their_letters_and_a_number():
    assert len("free") + 8 + 3 * 8 == model_bytes([{"free": 4}, np.zeros(3), None, "a setting"])
