"""Texts are disguised alike for the same seed, in the way that was asked for, and can still be read."""

import unicodedata

import pytest

from textsieve.trainer.data.disguises import KINDS, disguise
from textsieve.worker.normalization import normalize

TEXT = "Urgent: claim your free prize of cash today, or lose everything you won"
UNDONE = ("invisible characters", "stacked marks", "full-width", "mathematical")


def without_accents(text):
    return "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))


each_kind = pytest.mark.parametrize("kind", KINDS)


@each_kind
def test_the_same_seed_gives_the_same_disguise_and_another_one_another(kind):
    texts = {disguise(TEXT, kind=kind, seed=seed) for seed in (1, 1, 2, 3)}

    assert len(texts) == 3
    assert TEXT not in texts


@each_kind
def test_about_half_of_the_words_are_disguised(kind):
    apart = disguise(TEXT, kind=kind, seed=4)

    kept = sum(f" {word} " in f" {apart} " for word in TEXT.split())
    assert len(TEXT.split()) // 2 <= kept < len(TEXT.split())


@each_kind
@pytest.mark.parametrize("text", ["", "7 4 u", "\u4f60\u597d \U0001f44d", "c u @ 7"])
def test_a_text_without_words_stays_as_it_is(text, kind):
    assert text == disguise(text, kind=kind, seed=0)


@pytest.mark.parametrize("kind", UNDONE)
def test_what_the_worker_undoes_completely_comes_back_but_for_single_accents(kind):
    found = [normalize(disguise(TEXT, kind=kind, seed=seed)).text for seed in range(20)]

    assert [TEXT] * 20 == [without_accents(text) for text in found]


def test_accents_are_composed_letters():
    text = disguise(TEXT, kind="accents", seed=0)

    assert text == unicodedata.normalize("NFC", text)
    assert TEXT == without_accents(text)
