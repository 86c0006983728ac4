"""The packed map replaces what it has and nothing else, as the normalizer that reads it does."""

import string
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers.normalizers import Precompiled

from textsieve.worker.inference.multilingual.charsmap import charsmap, with_composed

# alone in their clusters: no marks, no joiners, no jamo
LETTERS = st.characters(categories=["Lu", "Ll", "Nd", "Po", "Sm", "So"], exclude_characters=["\0"])


@given(st.dictionaries(LETTERS, st.text(LETTERS, max_size=3), min_size=1, max_size=40), st.text(LETTERS, max_size=20))
def test_a_text_is_replaced_character_by_character(replacements, text):
    normalizer = Precompiled(charsmap(replacements))

    assert "".join(replacements.get(one, one) for one in text) == normalizer.normalize_str(text)


def test_every_character_of_a_large_map_is_found_and_no_other_is():
    replacements = {chr(code): f"<{code:x}>" for code in range(1, 0x20000, 7) if not 0xD800 <= code < 0xE000}
    normalizer = Precompiled(charsmap(replacements))

    wrong = [
        code
        for code in range(1, 0x20000)
        if not 0xD800 <= code < 0xE000 and replacements.get(chr(code), chr(code)) != normalizer.normalize_str(chr(code))
    ]

    assert [] == wrong


def test_the_same_map_is_packed_the_same_in_any_order():
    replacements = dict(zip(string.ascii_letters, string.ascii_letters[::-1], strict=True))

    assert charsmap(replacements) == charsmap(dict(reversed(replacements.items())))


@pytest.mark.parametrize("word", ["café", "Москвой", "naïve", "Ångström"])
def test_a_letter_and_its_mark_are_read_as_one_character(word):
    normalizer = Precompiled(charsmap(with_composed({"\t": " "})))

    assert word == normalizer.normalize_str(unicodedata.normalize("NFD", word))


def test_what_the_map_says_of_a_composed_character_holds_for_its_parts():
    composed = with_composed({"é": "e"})

    assert "e" == composed["e\u0301"] == composed["é"]


def test_no_sequence_hides_what_the_map_says_of_its_first_character():
    assert "e\u0301" not in with_composed({"e": "E"})
