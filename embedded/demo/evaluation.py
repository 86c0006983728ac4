"""How well labels fit the ones that came with the messages."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple


class Pair(NamedTuple):
    """What a message was said to be, and what it was labelled."""

    truth: str
    answer: str


@dataclass(frozen=True, slots=True)
class Score:
    """One label's quality; each figure is 0..1, and 0 where its denominator is 0."""

    precision: float
    recall: float
    f1: float
    support: int  # messages that truly have this label


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The confusion matrix and what follows from it."""

    labels: tuple[str, ...]  # of truth and answers together, sorted
    confusion: Mapping[Pair, int]
    accuracy: float
    scores: Mapping[str, Score]

    @property
    def messages(self) -> int:
        """How many messages were compared."""
        return sum(self.confusion.values())


def evaluate(pairs: Iterable[Pair]) -> Evaluation | None:
    """Compare; None where there is nothing to compare.

    Example:
        >>> evaluate([Pair("spam", "spam"), Pair("ham", "spam")]).scores["spam"].precision
        0.5
    """
    confusion = Counter(pairs)
    if not confusion:
        return None
    labels = tuple(sorted({label for pair in confusion for label in pair}))
    right = sum(confusion[Pair(label, label)] for label in labels)
    return Evaluation(
        labels=labels,
        confusion=dict(confusion),
        accuracy=right / confusion.total(),
        scores={label: _score(confusion, label) for label in labels},
    )


def _score(confusion: Counter[Pair], label: str) -> Score:
    hits = confusion[Pair(label, label)]
    answered = sum(count for pair, count in confusion.items() if pair.answer == label)
    support = sum(count for pair, count in confusion.items() if pair.truth == label)
    return Score(
        precision=hits / answered if answered else 0.0,
        recall=hits / support if support else 0.0,
        f1=2 * hits / (answered + support),
        support=support,
    )
