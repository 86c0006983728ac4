"""Parts share no text and have their labels in the same proportions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textsieve.trainer.data.examples import Row, dedupe
from textsieve.trainer.data.sampling import sampled
from textsieve.trainer.data.splits import folds, given_split, require_disjoint, split
from textsieve.worker.errors import ConfigurationError


def examples(*labels):
    return dedupe(Row(line, f"text {line}", (label,)) for line, label in enumerate(labels, start=1))


@given(st.lists(st.sampled_from("abc"), min_size=4, max_size=60), st.integers(2, 4), st.integers(0, 3))
def test_every_text_is_held_out_once(labels, count, seed):
    parts = folds(examples(*labels), count=count, seed=seed)

    assert list(range(len(labels))) == sorted(np.concatenate([part.test for part in parts]))
    assert all(not set(part.train) & set(part.test) for part in parts)


@given(st.lists(st.sampled_from("abc"), min_size=10, max_size=60), st.integers(2, 5))
def test_labels_are_spread_evenly_over_the_folds(labels, count):
    held_out = [np.asarray(labels)[part.test].tolist() for part in folds(examples(*labels), count=count, seed=0)]

    for label in set(labels):
        counts = [part.count(label) for part in held_out]
        assert max(counts) - min(counts) <= 1


def test_a_share_is_held_out_of_every_label():
    cut = split(examples(*"a" * 80, *"b" * 20), share=0.2, seed=1)

    assert [20, 4] == [len(cut.test), int((cut.test >= 80).sum())]


def test_another_seed_is_another_split():
    first, second = (split(examples(*"ab" * 50), share=0.2, seed=seed).test.tolist() for seed in (0, 1))

    assert first != second


def grouped(*pairs):
    rows = [Row(line, f"text {line}", (label,), group=group) for line, (label, group) in enumerate(pairs, start=1)]
    return dedupe(rows)


GROUPED = st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("123456789")), min_size=9, max_size=60)


@given(GROUPED, st.integers(0, 3), st.sampled_from([0.1, 0.3, 0.5]))
def test_a_group_is_on_one_side_of_every_split(pairs, seed, share):
    texts = grouped(*pairs, *(("a", group) for group in "123456789"))
    parts = [*folds(texts, count=4, seed=seed), split(texts, share=share, seed=seed)]

    for part in parts:
        train, test = ({texts.kept[row].group for row in rows} for rows in (part.train, part.test))
        assert not train & test
    assert list(range(len(texts.kept))) == sorted(np.concatenate([part.test for part in parts[:4]]))


def test_groups_of_one_size_are_held_out_in_proportion():
    texts = grouped(*((label, f"{label}{number}") for label in "ab" for number in range(50) for _ in range(4)))

    cut = split(texts, share=0.2, seed=0)

    assert [80, 40] == [len(cut.test), int((cut.test >= 200).sum())]


def test_a_group_of_the_training_data_is_refused_though_its_text_is_new():
    other = dedupe([Row(7, "quite new", ("a",), group="one")])

    with pytest.raises(ConfigurationError, match=r"nor of its groups, got 1 \(lines 7\)"):
        require_disjoint(grouped(("a", "one")), other, name="test.csv")


def test_fewer_groups_than_folds_are_refused():
    with pytest.raises(ConfigurationError, match="--group: expected at least 3 groups"):
        folds(grouped(*[("a", "1"), ("a", "2")] * 5), count=3, seed=0)


def test_a_text_in_both_files_is_named_by_its_line_and_not_quoted():
    other = dedupe([Row(1, "new", ("a",)), Row(2, " TEXT  1", ("a",))])

    with pytest.raises(ConfigurationError, match=r"got 1 \(lines 2\)") as caught:
        require_disjoint(examples("a", "b"), other, name="test.csv")

    assert "TEXT" not in str(caught.value)


def test_a_file_may_state_its_own_split():
    rows = [
        Row(line, f"text {line}", ("a",), slice=part) for line, part in enumerate(("train", "test", "val"), start=1)
    ]

    cut = given_split(dedupe(rows))

    assert ([0, 2], [1]) == (cut.train.tolist(), cut.test.tolist())


@pytest.mark.parametrize("part", ["test", "train"])
def test_a_split_with_one_part_is_none(part):
    with pytest.raises(ConfigurationError, match="--split-column: expected test for some texts"):
        given_split(dedupe([Row(1, "a", ("x",), slice=part), Row(2, "b", ("x",), slice=part)]))


def test_a_sample_leaves_labels_out_first_and_keeps_the_order():
    found = sampled(examples(*"ab" * 50), without={"a"}, count=10, seed=0)

    lines = [row.line for row in found.kept]
    assert (10, {"b"}, sorted(lines)) == (len(lines), set(found.label_names), lines)


def test_a_sample_of_more_than_there_are_is_all_of_them():
    assert 4 == len(sampled(examples(*"abab"), without=(), count=9, seed=0).kept)
