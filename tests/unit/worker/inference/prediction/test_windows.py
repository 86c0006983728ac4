"""The windows of a text become one answer: embeddings by their mean, labels by what a reader would want to know."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textsieve.worker.inference.decisions import assigned_labels
from textsieve.worker.inference.model_folder.tokenizer import Tokens
from textsieve.worker.inference.prediction.windows import joined_windows
from textsieve.worker.inference.predictor import ModelCard

HAM, SPAM, UNSURE = [0.9, 0.1], [0.05, 0.95], [0.4, 0.6]


def card(thresholds=None, *, multi_label=False):
    return ModelCard("m", "1", ("ham", "spam"), 2, 12, "f", multi_label=multi_label, thresholds=thresholds or {})


def tokens(*texts):
    """Each text as the fresh tokens of its windows."""
    fresh = np.concatenate([np.asarray(text, np.int64) for text in texts])
    windows = np.asarray([len(text) for text in texts])
    return Tokens([np.empty(0, np.int64)] * len(fresh), fresh, np.zeros(len(texts), np.bool_), windows, fresh)


def joined(of, rows, thresholds=None, *, multi_label=False, embeddings=None):
    vectors = np.tile(np.asarray([[1, 0]], np.float32), (len(rows), 1)) if embeddings is None else embeddings
    said = np.asarray(rows, np.float32)
    return joined_windows(of, said, np.asarray(vectors, np.float32), card(thresholds, multi_label=multi_label))


def test_texts_of_one_row_keep_their_answers_to_the_last_bit():
    rows = np.random.default_rng(1).random((3, 2), np.float32)
    vectors = np.random.default_rng(2).random((3, 2), np.float32)

    answers = joined(tokens([5], [7], [9]), rows, embeddings=vectors)

    assert rows.tolist() == answers.probabilities.tolist()
    assert vectors.tolist() == answers.embeddings.tolist()


def test_a_long_neighbour_changes_nothing_for_a_short_text():
    rows = np.random.default_rng(1).random((4, 2), np.float32)

    answers = joined(tokens([5], [10, 2], [9]), rows, embeddings=rows)

    assert [rows[0].tolist(), rows[3].tolist()] == [
        answers.probabilities[0].tolist(),
        answers.probabilities[2].tolist(),
    ]
    assert [rows[0].tolist(), rows[3].tolist()] == [answers.embeddings[0].tolist(), answers.embeddings[2].tolist()]


def test_the_tokens_of_a_text_are_those_of_all_its_windows():
    assert [5, 12, 9] == joined(tokens([5], [10, 2], [9]), [HAM] * 4).token_counts.tolist()


def test_an_embedding_is_the_mean_weighted_by_tokens_and_has_length_one():
    answers = joined(tokens([30, 10]), [HAM, HAM], embeddings=[[1, 0], [0, 1]])

    assert pytest.approx(np.asarray([0.75, 0.25]) / np.hypot(0.75, 0.25)) == answers.embeddings[0]


def test_embeddings_that_cancel_out_are_finite():
    answers = joined(tokens([10, 10]), [HAM, HAM], embeddings=[[1, 0], [-1, 0]])

    assert np.isfinite(answers.embeddings).all()


def test_exclusive_labels_without_thresholds_are_the_mean():
    answers = joined(tokens([30, 10]), [HAM, SPAM])

    assert pytest.approx([0.75 * 0.9 + 0.25 * 0.05, 0.75 * 0.1 + 0.25 * 0.95]) == answers.probabilities[0]


def test_one_window_that_reaches_a_threshold_speaks_for_the_text():
    answers = joined(tokens([30, 10, 30]), [HAM, SPAM, UNSURE], {"spam": 0.9})

    assert pytest.approx(SPAM) == answers.probabilities[0]


def test_where_no_window_reaches_a_threshold_the_mean_counts():
    answers = joined(tokens([10, 10]), [HAM, UNSURE], {"spam": 0.9})

    assert pytest.approx([0.65, 0.35]) == answers.probabilities[0]


def test_an_independent_label_is_as_likely_as_in_its_likeliest_window():
    answers = joined(tokens([30, 10]), [[0.9, 0.2], [0.1, 0.8]], multi_label=True)

    assert pytest.approx([0.9, 0.8]) == answers.probabilities[0]


@given(
    st.lists(st.tuples(st.integers(1, 12), st.floats(0, 1, width=32)), min_size=2, max_size=6),
    st.floats(0, 1, exclude_min=True),
)
def test_a_text_is_given_a_label_with_a_threshold_if_and_only_if_one_of_its_windows_would_be(windows, least):
    rows = np.asarray([[1 - spam, spam] for _, spam in windows], np.float32)
    thresholds = {"spam": least}

    answers = joined(tokens([fresh for fresh, _ in windows]), rows, thresholds)

    alone = assigned_labels(rows, card(thresholds))[:, 1].any()
    assert alone == assigned_labels(answers.probabilities, card(thresholds))[0, 1]
