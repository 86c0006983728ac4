"""Which labels' F1 decides."""

from collections.abc import Sequence

from textsieve.trainer.data.examples import Examples
from textsieve.worker.errors import ConfigurationError


def target_columns(examples: Examples, names: Sequence[str], *, positive: str | None) -> list[int]:
    """The columns whose mean F1 counts: the positive label, of two exclusive ones the rarer, else all.

    Args:
        examples: whose labels they are.
        names: of the columns.
        positive: one of them, or None.

    Raises:
        ConfigurationError: the positive label is none of them.
    """
    if positive is not None:
        if positive not in names:
            raise ConfigurationError(f"--positive: expected a label of the data, got {positive!r}")
        return [names.index(positive)]
    if len(names) == 2 and not examples.multi_label:  # noqa: PLR2004 - one of them is what is looked for
        return [int(examples.targets(names).sum(axis=0).argmin())]
    return list(range(len(names)))


def target_metric_name(columns: Sequence[int], names: Sequence[str]) -> str:
    """What the F1 is the F1 of, in words."""
    return names[columns[0]] if len(columns) == 1 else f"mean of {len(columns)} labels"
