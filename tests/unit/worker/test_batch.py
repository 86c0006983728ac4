"""Rows, columns and what was rejected stay together whatever becomes of a batch."""

import numpy as np
import pytest

from textsieve.worker.batch import Batch, Column
from textsieve.worker.records import DeadLetter, Record

NAME = Column[list[str]]("name")
SIZE = Column[np.ndarray]("size")


def records(count):
    return [Record("in", 0, offset, None, b"", 0) for offset in range(count)]


def letter(record):
    return DeadLetter(record, "decode", "not_json", "expected JSON")


def batch(count):
    sizes = np.arange(count) * 10
    return Batch.of(records(count)).with_columns(NAME.of([f"m{n}" for n in range(count)]), SIZE.of(sizes))


def offsets(rows):
    return [record.offset for record in rows]


def test_rows_that_are_taken_take_all_of_their_columns_with_them():
    taken = batch(4).take([1, 3])

    assert ([1, 3], ["m1", "m3"], [10, 30]) == (offsets(taken.records), taken[NAME], taken[SIZE].tolist())


def test_what_is_neither_a_row_nor_rejected_was_skipped():
    whole = batch(4)

    taken = whole.take([1, 3], rejected=[letter(whole.records[0])])

    assert ([0], 1, 4) == (offsets(one.record for one in taken.rejected), taken.skipped, len(taken.polled))


def test_the_batch_that_was_taken_from_is_as_it_was():
    whole = batch(3)

    whole.take([0])

    assert (3, 0, ["m0", "m1", "m2"]) == (len(whole), whole.skipped, whole[NAME])


def test_of_a_batch_that_is_cut_short_nothing_is_left_from_the_next_row_on():
    whole = batch(6)
    gone = [letter(whole.records[row]) for row in (1, 4)]
    rows = whole.take([0, 2, 3, 5], rejected=gone)

    first = rows.first(2)

    assert ([0, 1, 2], [0, 2], [1]) == (
        offsets(first.polled),
        offsets(first.records),
        offsets(one.record for one in first.rejected),
    )
    assert ["m0", "m2"] == first[NAME]


def test_a_batch_with_time_for_all_rows_keeps_what_was_rejected_behind_them():
    whole = batch(3)
    rows = whole.take([0, 1], rejected=[letter(whole.records[2])])

    assert rows is rows.first(2)


def test_a_column_that_is_given_again_has_the_new_values():
    assert ["x", "y"] == batch(2).with_columns(NAME.of(["x", "y"]))[NAME]


def test_a_column_that_does_not_fit_the_rows_is_refused():
    with pytest.raises(ValueError, match="column 'name': expected 2 values, one a row, got 1"):
        batch(2).with_columns(NAME.of(["x"]))
