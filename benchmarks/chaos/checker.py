"""The independent judge: a pure function from what was read afresh to what went wrong.

It knows nothing of the worker but docs/messages.md: every input message is answered once, by a result or by a dead
letter, in the partition of the same number, under the same key; every result is counted once in the store. What the
group has not committed is not late: whoever comes next takes it, so it is neither lost nor uncounted, but pending.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, fields
from typing import NamedTuple


class SourceOffset(NamedTuple):
    """Where an input message stands."""

    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class InputMessage:
    """One input message.

    Attributes:
        id: what a result must repeat; None for a message that belongs to the dead letters.
    """

    key: bytes | None
    id: str | None


@dataclass(frozen=True, slots=True)
class OutputMessage:
    """One result or dead letter.

    Attributes:
        source: the message it says it answers; None where it says none of this stream.
        partition: where it stands itself.
        id: the document id it repeats; None in a dead letter.
        result_id: the id of the result itself; None in a dead letter.
    """

    source: SourceOffset | None
    partition: int
    key: bytes | None
    id: str | None = None
    result_id: str | None = None


@dataclass(frozen=True, slots=True)
class StoreState:
    """What the store says.

    Attributes:
        learned: results it has counted.
        weight: sum of the centroids' counts.
        marks: next offset to be learned, per partition.
    """

    learned: int
    weight: float
    marks: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Verdict:
    """How many messages each fault befell; all 0 but `inputs`, `results` and `dead_letters` in a good run.

    Attributes:
        lost: messages that the group has committed, without any answer.
        pending: messages that the group has not committed: the run ended before the workers were done.
        duplicates: answers of the same fault beyond the first.
        answered_twofold: messages with both a result and a dead letter.
        misjudged: good messages among the dead letters, bad ones among the results.
        strange: answers that name no message of the stream, stand in the wrong partition, or carry another key or id.
        renamed: repeats whose result id differs from the first one's.
        reordered: first results that stand behind one of the same key with a higher offset. A hole that was refilled
            later counts here too; what is published twice does not.
        miscounted: results that the store should have learned and has not, or the other way round, plus the difference
            between what it has learned and the centroids' weight, plus committed messages above the watermarks.
    """

    inputs: int = 0
    results: int = 0
    dead_letters: int = 0
    lost: int = 0
    pending: int = 0
    duplicates: int = 0
    answered_twofold: int = 0
    misjudged: int = 0
    strange: int = 0
    renamed: int = 0
    reordered: int = 0
    miscounted: int = 0

    def __add__(self, other: "Verdict") -> "Verdict":
        return Verdict(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    @property
    def is_good(self) -> bool:
        """Whether the promise was kept."""
        faults = (self.lost, self.duplicates, self.answered_twofold, self.misjudged, self.strange, self.renamed)
        return not any((*faults, self.miscounted, self.pending))


def check(
    asked: Mapping[SourceOffset, InputMessage],
    results: Sequence[OutputMessage],
    dead_letters: Sequence[OutputMessage],
    counted: StoreState,
    *,
    committed: Mapping[int, int],
) -> Verdict:
    """Compare what was asked with what was answered and counted.

    Args:
        asked: every message of the stream.
        results: the output topic, in log order within each partition.
        dead_letters: the dead-letter topic, likewise.
        counted: the store.
        committed: next offset of the group, per partition.
    """
    done = {place for place in asked if place.offset < committed.get(place.partition, 0)}
    by_result = Counter(answer.source for answer in results if answer.source in asked)
    by_letter = Counter(answer.source for answer in dead_letters if answer.source in asked)
    return Verdict(
        inputs=len(asked),
        results=len(by_result),
        dead_letters=len(by_letter),
        lost=sum(place not in by_result and place not in by_letter for place in done),
        pending=len(asked) - len(done),
        duplicates=by_result.total() - len(by_result) + by_letter.total() - len(by_letter),
        answered_twofold=sum(place in by_letter for place in by_result),
        misjudged=sum(asked[place].id is not None for place in by_letter if place)
        + sum(asked[place].id is None for place in by_result if place),
        strange=sum(_is_strange(answer, asked) for answer in [*results, *dead_letters]),
        renamed=_renamed(results),
        reordered=_reordered(results),
        miscounted=_miscounted(done, by_result.keys(), counted),
    )


def _is_strange(answer: OutputMessage, asked: Mapping[SourceOffset, InputMessage]) -> bool:
    message = None if answer.source is None else asked.get(answer.source)
    if message is None or answer.source is None:
        return True
    wrong_id = answer.id is not None and message.id is not None and answer.id != message.id
    return wrong_id or answer.partition != answer.source.partition or answer.key != message.key


def _renamed(results: Iterable[OutputMessage]) -> int:
    names: dict[SourceOffset | None, str | None] = {}
    return sum(names.setdefault(answer.source, answer.result_id) != answer.result_id for answer in results)


def _reordered(results: Iterable[OutputMessage]) -> int:
    highest: dict[tuple[int, bytes | None], int] = {}
    seen: set[SourceOffset] = set()
    late = 0
    for answer in results:
        if answer.source is None or answer.source in seen:
            continue
        seen.add(answer.source)
        road = (answer.partition, answer.key)
        late += answer.source.offset < highest.get(road, -1)
        highest[road] = max(highest.get(road, -1), answer.source.offset)
    return late


def _miscounted(done: AbstractSet[SourceOffset], results: AbstractSet[SourceOffset | None], counted: StoreState) -> int:
    """Results of what is not done yet may be learned already, or not."""
    unlearned = sum(place.offset >= counted.marks.get(place.partition, 0) for place in done)
    missing, excess = len(done & results) - counted.learned, counted.learned - len(results)
    return max(0, missing) + max(0, excess) + abs(counted.learned - round(counted.weight)) + unlearned
