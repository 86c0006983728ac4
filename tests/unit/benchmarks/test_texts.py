"""The same distinct texts for every system, and as many repeats as were asked for."""

import gzip

import msgspec
import pytest

from benchmarks.speed.texts import DATA_SETS, chosen, cycled, encoded, shuffled, with_repeats


def test_texts_are_distinct_and_not_blank():
    assert {"a", "b"} == set(shuffled(["a", "b", "a", " ", ""], seed=1))


def test_the_seed_fixes_the_order():
    rows = [str(number) for number in range(50)]

    assert shuffled(rows, seed=1) == shuffled(rows, seed=1)
    assert shuffled(rows, seed=1) != shuffled(rows, seed=2)


def test_without_data_the_scenario_stands_in_and_says_so():
    texts = chosen(seed=1, folder=None)

    assert texts.origin == "the producer's scenario"
    assert len(texts.rows) == len(set(texts.rows)) > 5_000


def test_real_texts_are_taken_where_they_are(tmp_path):
    for name in DATA_SETS:
        content = b"\n".join(msgspec.json.encode({"text": text, "label": "x"}) for text in (name, "both"))
        (tmp_path / f"{name}.jsonl.gz").write_bytes(gzip.compress(content))

    texts = chosen(seed=1, folder=tmp_path)

    assert (" and ".join(DATA_SETS), {*DATA_SETS, "both"}) == (texts.origin, set(texts.rows))


def test_a_cycle_begins_again_in_the_same_order():
    assert ["a", "b", "a"] == cycled(["a", "b"], 3)


def test_nothing_cannot_be_cycled():
    with pytest.raises(ValueError, match="got none"):
        cycled([], 3)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9])
def test_so_many_texts_repeat(share):
    rows = [f"text {number}" for number in range(500)]

    sent = with_repeats(rows, 4_000, share=share, seed=1)

    assert 1 - len(set(sent)) / len(sent) == pytest.approx(share, abs=0.03)


def test_messages_carry_their_text():
    [value] = encoded(["hello"])

    assert {"id": "b-0", "text": "hello"} == msgspec.json.decode(value)
