"""Stages that do not fit together are refused before any message is read."""

from dataclasses import dataclass, field

import pytest

from textsieve.worker.batch import Batch, Column
from textsieve.worker.stages.stage import check_stages

LENGTH = Column[list[int]]("length")
SHOUT = Column[list[str]]("shout")


@dataclass(frozen=True)
class Step:
    needs: tuple[Column, ...] = ()
    gives: tuple[Column, ...] = ()
    fields: dict[str, Column] = field(default_factory=dict)

    def run(self, batch: Batch) -> Batch:
        return batch


def test_a_column_may_be_given_by_any_earlier_stage():
    check_stages([Step(gives=(LENGTH,)), Step(gives=(SHOUT,)), Step(needs=(LENGTH, SHOUT))])


def test_a_stage_before_the_one_that_gives_its_column_is_refused():
    with pytest.raises(ValueError, match="expected earlier stages to give length, got none"):
        check_stages([Step(needs=(LENGTH,)), Step(gives=(LENGTH,))])


def test_a_field_without_a_column_is_refused():
    with pytest.raises(ValueError, match="expected a column for each of its fields, got none for shout"):
        check_stages([Step(fields={"shout": SHOUT})])


def test_two_stages_that_contribute_the_same_field_are_refused():
    twice = Step(gives=(SHOUT,), fields={"shout": SHOUT})

    with pytest.raises(ValueError, match="expected fields of its own, got shout of an earlier stage"):
        check_stages([twice, twice])
