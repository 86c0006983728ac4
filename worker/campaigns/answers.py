"""What a worker answers about campaigns, and has answered lately: a message that is read again is told the same."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

MAX_ANSWERS: Final = 10_000  # of the last messages: more than a worker reads again after a failure; 300 bytes each


@dataclass(frozen=True, slots=True)
class Memberships:
    """The campaign of each message.

    Attributes:
        ids: [rows], None: of no campaign.
        sizes: [rows] int64, members known so far, the message included; 0 without a campaign.
        new: [rows] bool, whether the campaign began less than an hour before the message, by event time.
        similarities: [rows] float32, to the leader, or to the member by which it was found; 0 without a campaign.
    """

    ids: Sequence[str | None]
    sizes: NDArray[np.int64]
    new: NDArray[np.bool_]
    similarities: NDArray[np.float32]


class Answer(NamedTuple):
    """Of one message."""

    campaign: str | None
    similarity: float


@dataclass(slots=True)
class Answers:
    """The answers to the last messages, by source."""

    _answers: dict[int, Answer] = field(default_factory=dict)  # the oldest first

    def get(self, source: int) -> Answer | None:
        """What was answered to a message; None: it is not known."""
        return self._answers.get(source)

    def keep(self, source: int, answer: Answer) -> None:
        """Remember an answer, and forget the oldest beyond the bound."""
        self._answers.pop(source, None)
        self._answers[source] = answer
        if len(self._answers) > MAX_ANSWERS:
            del self._answers[next(iter(self._answers))]
