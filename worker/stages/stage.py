"""What a stage is, and whether some of them fit together."""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from textsieve.worker.batch import Batch, Column


class Stage(Protocol):
    """One step from records to answers.

    It sends nothing and learns nothing, and the same batch gives the same one; but for campaigns, which follow from
    what a worker remembers. A message that is at fault is rejected (`Batch.take`), never raised.
    """

    @property
    def needs(self) -> tuple[Column[Any], ...]:
        """Columns that earlier stages give."""
        ...

    @property
    def gives(self) -> tuple[Column[Any], ...]:
        """Columns that it adds, or fills anew."""
        ...

    @property
    def fields(self) -> Mapping[str, Column[Any]]:
        """What it contributes to the result on the wire: names, and columns of what msgspec can encode.

        `None` becomes null; msgspec.UNSET leaves the field out of that result.
        """
        ...

    def run(self, batch: Batch) -> Batch:
        """The batch with what this stage finds out; it has at least one row.

        Raises:
            PredictorError: the model fails on everything, or the device has no memory: nobody's message is at fault.
        """
        ...


def check_stages(stages: Iterable[Stage]) -> None:
    """Refuse stages that do not fit together, before any message is read.

    Raises:
        ValueError: one needs a column that no earlier one gives, or two contribute the same field.
    """
    given: set[Column[Any]] = set()
    fields: set[str] = set()
    for stage in stages:
        name = type(stage).__name__
        if missing := [column.name for column in stage.needs if column not in given]:
            raise ValueError(
                f"stage {name}: expected earlier stages to give {', '.join(missing)}, got none that does; move it back"
            )
        given.update(stage.gives)
        if absent := [field for field, column in stage.fields.items() if column not in given]:
            raise ValueError(
                f"stage {name}: expected a column for each of its fields, got none for {', '.join(absent)}"
            )
        if twice := sorted(fields & stage.fields.keys()):
            raise ValueError(f"stage {name}: expected fields of its own, got {', '.join(twice)} of an earlier stage")
        fields.update(stage.fields)
