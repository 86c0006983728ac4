import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from textsieve.worker.campaigns.minhash import BANDS, GRAM, PERMUTATIONS, band_keys, signatures, similarities

WORDS = "parcel held customs fee pay link today courier address confirm delivery tomorrow account bank alert"


def grams(text: str) -> set[str]:
    return {text[at : at + GRAM] for at in range(len(text) - GRAM + 1)}


def jaccard(left: str, right: str) -> float:
    return len(grams(left) & grams(right)) / len(grams(left) | grams(right))


def test_a_signature_is_the_same_everywhere_and_always() -> None:
    assert [126456134, 108102651, 476775026] == signatures(["win a prize now"])[0, :3].tolist()


@given(st.lists(st.text(max_size=60), max_size=12))
@settings(max_examples=60)
def test_a_batch_gives_what_each_text_gives_alone(texts: list[str]) -> None:
    together = signatures(texts)

    assert (len(texts), PERMUTATIONS) == together.shape
    for row, text in enumerate(texts):
        assert signatures([text])[0].tolist() == together[row].tolist()


def test_more_text_than_is_hashed_at_a_time_changes_nothing() -> None:
    texts = ["a long text about parcels " * length for length in (1, 200, 3, 80, 2)]

    assert [signatures([text])[0].tolist() for text in texts] == signatures(texts).tolist()


def test_equal_places_estimate_the_jaccard_similarity() -> None:
    rng = np.random.default_rng(1)
    pairs = []
    for _ in range(300):
        words = rng.choice(WORDS.split(), 14).tolist()
        pairs.append((" ".join(words), " ".join([*words[: rng.integers(4, 14)], *rng.choice(WORDS.split(), 4)])))
    lefts, rights = zip(*pairs, strict=True)

    errors = similarities(signatures(lefts), signatures(rights)) - [jaccard(*pair) for pair in pairs]

    assert abs(errors.mean()) < 0.02
    assert errors.std() < 0.08


def test_a_band_key_is_shared_where_all_its_values_are() -> None:
    base = signatures(["win a prize now, call today"])[0]
    other = base.copy()
    other[3] += 1  # in the second band

    keys = band_keys(np.stack([base, other]))

    assert (2, BANDS) == keys.shape
    assert [band != 1 for band in range(BANDS)] == (keys[0] == keys[1]).tolist()


def test_equal_values_in_other_bands_give_other_keys() -> None:
    same = np.full((1, PERMUTATIONS), 7, np.uint32)

    assert BANDS == len(set(band_keys(same)[0].tolist()))
