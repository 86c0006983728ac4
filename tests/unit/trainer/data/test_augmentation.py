"""Disguised texts are shown beside their originals, and only where there is something to learn from them."""

from textsieve.trainer.data.augmentation import augment
from textsieve.trainer.data.examples import Row, dedupe
from textsieve.worker.normalization import normalize

TEXTS = [f"please claim your free prize number {number} before everybody else does" for number in range(40)]


def examples(*, normalized):
    rows = (Row(n, text, ("spam",), normalized=text if normalized else None) for n, text in enumerate(TEXTS, start=1))
    return dedupe(rows)


def test_a_share_of_the_texts_is_shown_with_its_labels_and_its_origin():
    shown = augment(examples(normalized=False), share=0.25, seed=0)

    assert 10 == len(shown.rows) == len(set(shown.origins.tolist()))
    assert all(row.line - 1 == origin for row, origin in zip(shown.rows, shown.origins, strict=True))
    assert {("spam",)} == {row.labels for row in shown.rows}
    assert not set(shown.texts) & set(TEXTS)


def test_what_normalisation_undoes_is_not_shown_again():
    shown = augment(examples(normalized=True), share=1.0, seed=0)

    assert [normalize(row.text).text for row in shown.rows] == list(shown.texts)
    assert not set(shown.texts) & set(TEXTS)


def test_the_same_seed_shows_the_same_texts():
    first, second, other = (augment(examples(normalized=True), share=0.5, seed=seed).texts for seed in (1, 1, 2))

    assert first == second != other


def test_no_share_shows_nothing():
    assert () == augment(examples(normalized=True), share=0.0, seed=0).rows
