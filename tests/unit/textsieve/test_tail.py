"""Of the records of a topic those results are shown that are asked for."""

import json

import pytest

from textsieve.cli.tail import Filter, show_all
from textsieve.worker.records import Record

VALUES = [
    {"label": "ham", "score": 0.9, "text": "hi", "cluster": None},
    {"label": "spam", "score": 0.8, "text": "win", "cluster": {"id": 3, "distance": 0.1, "version": 1}},
    {
        "label": "spam",
        "score": 0.7,
        "text": "w1n",
        "cluster": {"id": 4, "distance": 0.1, "version": 1},
        "normalized": ["leet"],
    },
]


def records() -> list[Record]:
    values = [*(json.dumps(value).encode() for value in VALUES), b"no result", None]
    return [Record("labels", 0, offset, None, value, 0) for offset, value in enumerate(values)]


@pytest.mark.parametrize(
    ("wanted", "offsets"),
    [
        (Filter(), [0, 1, 2]),
        (Filter(labels=frozenset({"spam"})), [1, 2]),
        (Filter(clusters=frozenset({3, 5})), [1]),
        (Filter(obfuscated_only=True), [2]),
        (Filter(labels=frozenset({"ham"}), clusters=frozenset({3})), []),
    ],
)
def test_a_result_is_shown_where_it_passes_every_filter(wanted, offsets):
    shown = []

    show_all(records(), wanted, lambda record, _: shown.append(record.offset))

    assert offsets == shown


def test_the_limit_counts_what_is_shown():
    shown = []

    show_all(records(), Filter(labels=frozenset({"spam"})), lambda record, _: shown.append(record.offset), limit=1)

    assert [1] == shown
