"""Twenty recipes of disguise, and how many of the disguised words a worker reads."""

import pytest

from benchmarks.studies.disguise_recipes import DEVELOPED, HELD_OUT, RECIPES, disguised, plain
from textsieve.worker.normalization import normalize

SEEDS = (100, 101, 102)
LEAST_RECALL = 0.95
LEAST_RECALL_OF_DIGITS = 0.8  # pi115 and dollar5 are numbers to whoever does not know


def recall(recipe, words):
    asked = [(disguised(word, recipe, seed), plain(word, recipe, seed)) for word in words for seed in SEEDS]
    readings = [(normalize(text), expected) for text, expected in asked if text != expected]
    found = [bool(reading.rules) and reading.text.lower() == expected.lower() for reading, expected in readings]
    return sum(found) / len(found)


def test_there_are_twenty_recipes_and_fifty_words_half_of_them_held_out():
    assert (20, 25, 25) == (len(RECIPES), len(DEVELOPED), len(HELD_OUT))
    assert set(DEVELOPED).isdisjoint(HELD_OUT)


@pytest.mark.parametrize("recipe", RECIPES)
def test_words_that_no_rule_was_made_with_are_read_as_well(recipe):
    least = LEAST_RECALL_OF_DIGITS if recipe == "digits" else LEAST_RECALL - 0.05

    assert least <= recall(recipe, HELD_OUT)


def test_of_all_recipes_together_nineteen_in_twenty_are_read():
    recalls = [recall(recipe, HELD_OUT) for recipe in RECIPES]

    assert sum(recalls) / len(recalls) >= LEAST_RECALL


def test_a_recipe_gives_the_same_again():
    assert disguised("free", "digits", 3) == disguised("free", "digits", 3)
    assert len({disguised("guaranteed", "digits", seed) for seed in range(9)}) > 1
