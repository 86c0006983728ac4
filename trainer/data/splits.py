"""Cuts examples into parts that share no text and have their labels in the same proportions."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

from textsieve.trainer.data.examples import Examples, deduplication_key
from textsieve.worker.errors import ConfigurationError

Indices = NDArray[np.int64]

_TEST = "test"  # what a file's own split calls the part to judge by
_LINES_NAMED = 10  # enough to see what kind of rows are in both files


@dataclass(frozen=True, slots=True)
class Split:
    """Positions of texts, in ascending order; every text is in one of the two parts."""

    train: Indices
    test: Indices


def split(examples: Examples, *, share: float, seed: int) -> Split:
    """Hold out a share of the texts, the same share of every label as far as whole texts, or groups, allow.

    Args:
        examples: distinct texts; those of one group stay together.
        share: of the texts to hold out, above 0 and below 1.
        seed: of the shuffle.
    """
    held_out: list[Indices] = []
    seen = held = 0
    for _, unit in _units(examples, seed=seed):
        seen += len(unit)
        if 2 * (math.floor(seen * share) - held) >= len(unit):  # at least half of it is owed
            held += len(unit)
            held_out.append(unit)
    return _parted(held_out, of=len(examples.kept))


def folds(examples: Examples, *, count: int, seed: int) -> list[Split]:
    """Stratified k-fold: every text is held out once, those of one group together.

    Raises:
        ConfigurationError: fewer groups than folds.
    """
    parts: list[list[Indices]] = [[] for _ in range(count)]
    sizes = np.zeros(count, dtype=np.int64)  # [folds]
    of_label: dict[str, Indices] = {}  # the same, of each label
    for label, unit in _units(examples, seed=seed):
        mine = of_label.setdefault(label, np.zeros(count, dtype=np.int64))
        emptiest = int(np.lexsort((sizes, mine))[0])  # of this label, then in all
        parts[emptiest].append(unit)
        mine[emptiest] += len(unit)
        sizes[emptiest] += len(unit)
    if not sizes.all() and examples.groups is not None:
        raise ConfigurationError(
            f"--group: expected at least {count} groups, one for each fold, got fewer; lower --folds or choose "
            "another column"
        )
    return [_parted(part, of=len(examples.kept)) for part in parts]


def given_split(examples: Examples) -> Split:
    """The split that the file itself states: texts whose slice is `test` are held out.

    Raises:
        ConfigurationError: no text is so marked, or all are.
    """
    held_out = np.asarray([row.slice == _TEST for row in examples.kept], dtype=np.bool_)
    if not 0 < held_out.sum() < len(held_out):
        raise ConfigurationError(
            f"--split-column: expected {_TEST} for some texts and anything else for others, got it for "
            f"{held_out.sum()} of {len(held_out)}"
        )
    return Split(train=np.flatnonzero(~held_out), test=np.flatnonzero(held_out))


def require_disjoint(train: Examples, other: Examples, *, name: str) -> None:
    """Refuse to judge on texts that were trained on, or that belong to a group that was.

    Args:
        train: what is trained on.
        other: what is judged on.
        name: of the latter, for the message.

    Raises:
        ConfigurationError: they share a group, or a text (case and white space folded); the message names lines, never
            texts.
    """
    known, groups = {deduplication_key(row.shown) for row in train.kept}, {row.group for row in train.kept} - {""}
    shared = [row.line for row in other.kept if deduplication_key(row.shown) in known or row.group in groups]
    if shared:
        lines = ", ".join(map(str, shared[:_LINES_NAMED]))
        raise ConfigurationError(
            f"{name}: expected no text of the training data{', nor of its groups' if groups else ''}, "
            f"got {len(shared)} (lines {lines}"
            f"{', ...' if len(shared) > _LINES_NAMED else ''}): scores on them would be those of memory; remove them"
        )


def _units(examples: Examples, *, seed: int) -> list[tuple[str, Indices]]:
    """Labels and positions of what stays together, a group or a text without one; equal labels beside each other."""
    shuffled = np.random.default_rng(seed).permutation(len(examples.kept))
    strata = ["\x00".join(examples.kept[index].labels) for index in shuffled]
    if examples.groups is None:
        members = [[position] for position in range(len(shuffled))]
    else:
        by_group: dict[str, list[int]] = {}
        for position, group in enumerate(examples.groups[shuffled].tolist()):
            by_group.setdefault(group, []).append(position)
        members = list(by_group.values())
    labelled = [(Counter(strata[one] for one in unit).most_common(1)[0][0], shuffled[unit]) for unit in members]
    return sorted(labelled, key=itemgetter(0))  # stable: units of a label stay shuffled


def _parted(held_out: Sequence[Indices], *, of: int) -> Split:
    test = np.zeros(of, dtype=np.bool_)
    for unit in held_out:
        test[unit] = True
    return Split(train=np.flatnonzero(~test), test=np.flatnonzero(test))
