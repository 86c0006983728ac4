"""Cuts examples into parts that share no text and have their labels in the same proportions."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trainer.examples import Examples, folded
from worker.errors import ConfigurationError

Indices = NDArray[np.int64]

_TEST = "test"  # what a file's own split calls the part to judge by
_LINES_NAMED = 10  # enough to see what kind of rows are in both files


@dataclass(frozen=True, slots=True)
class Split:
    """Positions of texts, in ascending order; every text is in one of the two parts."""

    train: Indices
    test: Indices


def split(examples: Examples, *, share: float, seed: int) -> Split:
    """Hold out a share of the texts, the same share of every label as far as whole texts allow.

    Args:
        examples: distinct texts.
        share: of the texts to hold out, above 0 and below 1.
        seed: of the shuffle.
    """
    steps = np.floor(np.arange(len(examples.kept) + 1) * share)
    return _parted(_by_label(examples, seed=seed), held_out=np.diff(steps) > 0)


def folds(examples: Examples, *, count: int, seed: int) -> list[Split]:
    """Stratified k-fold: every text is held out once."""
    order = _by_label(examples, seed=seed)
    return [_parted(order, held_out=np.arange(len(order)) % count == fold) for fold in range(count)]


def given_split(examples: Examples) -> Split:
    """The split that the file itself states: texts whose slice is `test` are held out.

    Raises:
        ConfigurationError: no text is so marked, or all are.
    """
    held_out = np.asarray([row.slice == _TEST for row in examples.kept], dtype=np.bool_)
    if not 0 < held_out.sum() < len(held_out):
        raise ConfigurationError(
            f"--split-column: expected {_TEST} for some texts and anything else for others, came it for "
            f"{held_out.sum()} of {len(held_out)}"
        )
    return _parted(np.arange(len(held_out)), held_out=held_out)


def require_disjoint(train: Examples, other: Examples, *, name: str) -> None:
    """Refuse to judge on texts that were trained on.

    Args:
        train: what is trained on.
        other: what is judged on.
        name: of the latter, for the message.

    Raises:
        ConfigurationError: they share a text, case and white space folded; the message names lines, never texts.
    """
    known = {folded(row.shown) for row in train.kept}
    shared = [row.line for row in other.kept if folded(row.shown) in known]
    if shared:
        lines = ", ".join(map(str, shared[:_LINES_NAMED]))
        raise ConfigurationError(
            f"{name}: expected no text of the training data, came {len(shared)} (lines {lines}"
            f"{', ...' if len(shared) > _LINES_NAMED else ''}): scores on them would be those of memory; remove them"
        )


def _by_label(examples: Examples, *, seed: int) -> Indices:
    """All positions, texts with the same labels beside each other, shuffled among themselves."""
    shuffled = np.random.default_rng(seed).permutation(len(examples.kept))
    strata = np.asarray(["\x00".join(examples.kept[index].labels) for index in shuffled])
    return shuffled[np.argsort(strata, kind="stable")]


def _parted(order: Indices, *, held_out: NDArray[np.bool_]) -> Split:
    return Split(train=np.sort(order[~held_out]), test=np.sort(order[held_out]))
