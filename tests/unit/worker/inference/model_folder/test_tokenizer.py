"""Every text is a text of its own, long ones are cut or split, and nothing is padded before it must be."""

from functools import cache

import numpy as np
import pytest
import tokenizers
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing
from transformers import PreTrainedTokenizerFast

from tests.tiny_models import WORDS
from textsieve.worker.inference.model_folder.tokenizer import Tokenizer
from textsieve.worker.inference.networks.encoder import load_encoder

MAX_TOKENS = 12
CLS, SEP = 2, 3
INSIDE = MAX_TOKENS - 2  # tokens of a window without its two special ones
OVERLAP = MAX_TOKENS // 4


@pytest.fixture
def tokenizer(encoder_folder):
    return load_encoder(encoder_folder, max_tokens=8).tokenizer


@pytest.fixture
def splitting(encoder_folder):
    @cache  # once for all examples of a test
    def load(max_windows):
        return load_encoder(encoder_folder, max_tokens=MAX_TOKENS, max_windows=max_windows).tokenizer

    return load


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


def test_texts_that_fit_are_a_row_each_and_say_nothing_of_windows(splitting):
    tokens = splitting(8).tokenize(["free", "free " * INSIDE])

    assert [3, MAX_TOKENS] == tokens.lengths.tolist()
    assert (None, None) == (tokens.windows, tokens.new_tokens)


def test_a_long_text_is_split_into_windows_that_share_a_quarter(splitting):
    words = [WORDS[number % len(WORDS)] for number in range(INSIDE + 4)]

    tokens = splitting(8).tokenize(["free", " ".join(words), "prize"])

    assert [1, 2, 1] == tokens.windows.tolist()
    assert [False] * 3 == tokens.truncated.tolist()
    assert tokens.ids[1][-OVERLAP - 1 : -1].tolist() == tokens.ids[2][1 : OVERLAP + 1].tolist()
    assert [3, MAX_TOKENS, 4, 3] == tokens.new_tokens.tolist()


def test_what_lies_beyond_the_last_window_is_cut_and_only_that_is_marked(splitting):
    whole, longer = "free " * (INSIDE + INSIDE - OVERLAP), "free " * (INSIDE + INSIDE - OVERLAP + 1)

    tokens = splitting(2).tokenize([whole, longer])

    assert [2, 2] == tokens.windows.tolist()
    assert [False, True] == tokens.truncated.tolist()


def test_one_window_cuts_as_ever(splitting):
    tokens = splitting(1).tokenize(["free " * 40])

    assert ([MAX_TOKENS], [True], None) == (tokens.lengths.tolist(), tokens.truncated.tolist(), tokens.windows)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(WORDS), min_size=1, max_size=90))
def test_the_windows_of_a_text_hold_every_token_once_beside_what_they_share(splitting, words):
    tokenizer = splitting(100)

    tokens = tokenizer.tokenize([" ".join(words)])

    fresh = tokens.lengths if tokens.new_tokens is None else tokens.new_tokens
    read = [row[1:-1] if number == 0 else row[1 + OVERLAP : -1] for number, row in enumerate(tokens.ids)]
    assert [5 + WORDS.index(word) for word in words] == np.concatenate(read).tolist()
    assert len(words) + 2 == fresh.sum()
    assert all((CLS, SEP) == (row[0], row[-1]) for row in tokens.ids)


def test_the_first_rows_are_those_of_whole_texts(splitting):
    texts = ["free", "free prize now " * 9, "prize"]
    whole = splitting(8).tokenize(texts)

    first = [whole.first(rows=rows) for rows in range(1, len(whole.lengths) + 1)]

    windows = whole.windows.tolist()
    fitting = [
        max(1, sum(sum(windows[: text + 1]) <= rows for text in range(3))) for rows in range(1, sum(windows) + 1)
    ]
    assert fitting == [len(found.truncated) for found in first]
    assert [sum(windows[:texts]) for texts in fitting] == [len(found.ids) for found in first]
    assert all(len(found.lengths) == len(found.new_tokens) == found.windows.sum() for found in first)


def test_the_first_rows_of_short_texts_are_the_first_texts(tokenizer):
    first = tokenizer.tokenize(["free", "prize now", "free"]).first(rows=2)

    assert ([3, 4], 2, None) == (first.lengths.tolist(), len(first.truncated), first.windows)


NUMBERS = tuple(map(str, range(60)))


def around(before: int, after: int) -> tokenizers.Tokenizer:
    """Tokens 0 to 59, with so many special ones around a text, 60 and above."""
    names = [f"<{place}>" for place in range(before + after)]
    vocabulary = {token: index for index, token in enumerate((*NUMBERS, "[PAD]", "[UNK]", *names))}
    backend = tokenizers.Tokenizer(WordLevel(vocabulary, unk_token="[UNK]"))
    backend.pre_tokenizer = Whitespace()
    backend.post_processor = TemplateProcessing(
        single=" ".join([*names[:before], "$A", *names[before:]]),
        special_tokens=[(name, vocabulary[name]) for name in names],
    )
    return backend


TEMPLATES = [(1, 1), (3, 3), (5, 2), (0, 6), (8, 0)]  # special tokens before and after a text


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize(("before", "after"), TEMPLATES)
@pytest.mark.parametrize("inside", [1, 2, 7, 20])
def test_windows_hold_every_token_whatever_stands_around_a_text(before, after, side, inside):
    size = before + after + inside
    splitting = Tokenizer(around(before, after), max_tokens=size, pad_id=60, max_windows=100, side=side)

    found = {count: splitting.tokenize([" ".join(NUMBERS[:count])]) for count in (0, 1, 2, 7, 8, 21, 60)}

    for count, tokens in found.items():
        fresh = tokens.lengths if tokens.new_tokens is None else tokens.new_tokens
        read = {int(token) for row in tokens.ids for token in row[before : len(row) - after]}
        assert set(range(count)) == read
        assert count + before + after == fresh.sum()
        assert [False] == tokens.truncated.tolist()
        assert max(tokens.lengths) <= size


@pytest.mark.parametrize("max_windows", [1, 3])
@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize(("before", "after"), TEMPLATES)
def test_texts_are_cut_from_the_end_that_the_reference_cuts(before, after, side, max_windows):
    size = before + after + 7
    library = PreTrainedTokenizerFast(
        tokenizer_object=around(before, after), pad_token="[PAD]", unk_token="[UNK]", truncation_side=side
    )
    cutting = Tokenizer(around(before, after), max_tokens=size, pad_id=60, max_windows=max_windows, side=side)
    texts = [" ".join(NUMBERS[:count]) for count in (1, 7, 8, 60)]

    rows = [cutting.tokenize([text]) for text in texts]

    expected = library(texts, truncation=True, max_length=size)["input_ids"]
    assert expected == [tokens.ids[0].tolist() for tokens in rows]
    assert [False, False, max_windows == 1, True] == [bool(tokens.truncated[0]) for tokens in rows]
