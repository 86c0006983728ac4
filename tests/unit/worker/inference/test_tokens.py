"""Every text is a text of its own, and nothing is padded before it must be."""

import numpy as np
import pytest

from worker.inference.encoder import load_encoder


@pytest.fixture
def tokenizer(encoder_folder):
    return load_encoder(encoder_folder, max_tokens=8).tokenizer


def test_two_texts_are_not_a_pair(tokenizer):
    tokens = tokenizer.tokenize(["free", "prize now"])

    assert [3, 4] == tokens.lengths.tolist()


def test_texts_beyond_the_window_are_cut_and_marked(tokenizer):
    tokens = tokenizer.tokenize(["free " * 6, "free " * 7])

    assert ([8, 8], [False, True]) == (tokens.lengths.tolist(), tokens.truncated.tolist())


def test_a_cut_text_keeps_its_last_special_token(tokenizer):
    whole, cut = tokenizer.tokenize(["free", "free " * 20]).ids

    assert whole[-1] == cut[-1]


def test_a_batch_is_as_wide_as_its_longest_row(tokenizer):
    tokens = tokenizer.tokenize(["free " * 6, "free", "free prize"])

    batch = tokenizer.pad(tokens, np.array([1, 2]))

    assert [[1, 1, 1, 0], [1, 1, 1, 1]] == batch.attention_mask.tolist()
    assert [*tokens.ids[1], 0] == batch.input_ids[0].tolist()


def test_a_text_that_is_no_utf8_is_a_type_error(tokenizer):
    with pytest.raises(TypeError):
        tokenizer.tokenize(["\ud800"])
