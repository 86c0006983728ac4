"""Long texts hide one spam text at a known place, and are made the same way each time."""

import pytest

from benchmarks.long_texts import PLACES, WORDS, long_texts
from textsieve.trainer.data.examples import Row, dedupe

HAM = [Row(number, f"dinner at home number {number} tonight", ("ham",)) for number in range(200)]
SPAM = [Row(200 + number, f"WIN a prize {number}", ("spam",)) for number in range(3)]


@pytest.fixture
def texts():
    return long_texts(dedupe([*HAM, *SPAM]), count=2)


@pytest.mark.parametrize(("place", "line"), [("beginning", 0), ("end", -1)])
def test_the_spam_stands_where_its_place_says(texts, place, line):
    assert ["WIN a prize 0", "WIN a prize 1"] == [text.splitlines()[line] for text in texts[place]]


def test_the_ham_around_a_spam_text_is_the_same_at_every_place_and_long(texts):
    around = [[line for line in texts[place][0].splitlines() if "WIN" not in line] for place in PLACES]

    assert around[0] == around[1] == around[2]
    assert sum(len(line.split()) for line in around[0]) >= WORDS


def test_as_many_texts_have_no_spam_at_all(texts):
    assert 2 == len(texts["nowhere"])
    assert "WIN" not in "".join(texts["nowhere"])


def test_they_are_the_same_each_time(texts):
    assert texts == long_texts(dedupe([*HAM, *SPAM]), count=2)
