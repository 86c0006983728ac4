"""Of two labels the rarer is the one that is looked for; of others nobody knows."""

import pytest

from textsieve.trainer.bundles.writing import _looked_for
from textsieve.trainer.data.examples import Row, dedupe


def examples(*labels, multi_label=False):
    rows = [Row(line, f"text {line}", given) for line, given in enumerate(labels)]
    return dedupe(rows, multi_label=multi_label)


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ([("ham",), ("spam",), ("ham",)], {"spam": 0.5}),
        ([("ham",), ("spam",)], {"ham": 0.5}),
        ([("ham",), ("spam",), ("offer",)], {}),
    ],
)
def test_the_rarer_of_two_exclusive_labels_has_the_threshold_of_one_half(labels, expected):
    assert expected == _looked_for(examples(*labels))


def test_independent_labels_have_one_half_anyway():
    assert {} == _looked_for(examples(("ham",), ("spam",), (), multi_label=True))
