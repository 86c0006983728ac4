"""What the loop asks of the streams it reads and writes."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from textsieve.worker.records import Outgoing, Partition, Position, Progress, Record


@dataclass(frozen=True, slots=True)
class Poll:
    """What one poll brought.

    Attributes:
        batches: messages of each partition that has some, in offset order; none where `reassigned`.
        reassigned: the group has a new generation: begin again before anything else.
        joined: the group has given this worker a place, with or without partitions.
        lag: messages between the position and the end of each owned partition, where known.
        aside: owned partitions that are not read at present, and why.
    """

    batches: Mapping[Partition, Sequence[Record]] = field(default_factory=dict)
    reassigned: bool = False
    joined: bool = True
    lag: Mapping[Partition, int] = field(default_factory=dict)
    aside: Mapping[Partition, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return sum(map(len, self.batches.values()))

    @property
    def records(self) -> list[Record]:
        """All messages, partition after partition; a new list each time."""
        return [record for batch in self.batches.values() for record in batch]


@dataclass(frozen=True, slots=True)
class Published:
    """Offsets of one partition that the output log already answers, from where the stream starts on."""

    results: set[int] = field(default_factory=set)
    dead_letters: set[int] = field(default_factory=set)


class Source(Protocol):
    """The input partitions this worker owns.

    Offsets have three stages: *read* (poll returned them), *finished* (answered and acked), *committed*. Only the
    last one survives a crash. Every method raises BrokerUnavailable when the broker does not answer.
    """

    def poll(self, *, max_records: int, timeout_seconds: float) -> Poll:
        """Take what is there; with `max_records` 0 nothing is read but the membership is kept."""
        ...

    def rewind(
        self, floor: Mapping[Partition, Position], *, unsure: Collection[Partition] = ()
    ) -> Mapping[Partition, Position]:
        """Seek every owned partition to its committed offset, or to `floor` where that is lower.

        Args:
            floor: the first offset of each partition that the store lacks; where there is none, what was noted beside
                the committed offset stands for it (`Progress.pushed`).
            unsure: partitions of which the store may lack more than `floor` says: the note is a floor there too.

        Returns:
            Where each owned partition starts now; a first start is committed at once, so that it cannot move.

        Raises:
            OwnershipLost: the group moved on meanwhile.
            LedgerError: the committed offsets contradict the input.
        """
        ...

    def fence(self) -> None:
        """Prove to the group coordinator that this member still owns what it read, by committing nothing new.

        Raises:
            OwnershipLost: it does not.
        """
        ...

    def set_aside(self, partitions: Collection[Partition], *, reason: str) -> None:
        """Leave some partitions unread for a while; the worker begins again without them, and later with them."""
        ...

    def commit(self, offsets: Mapping[Partition, int]) -> None:
        """Commit next offsets, if the generation is still that of the last poll.

        Raises:
            OwnershipLost: it is not.
        """
        ...


class Sink(Protocol):
    """The output and dead-letter topics.

    A batch is *handed over* by `publish` and *counts* once `settle` has returned. At most one batch is on its way: it
    is settled before the next one is handed over, and before `recover`.
    """

    @property
    def is_transactional(self) -> bool:
        """Whether a batch and the input offsets behind it count together, so that nobody need commit them."""
        ...

    def recover(self, starts: Mapping[Partition, Position]) -> Mapping[Partition, Published]:
        """Find out what at or after `starts` is answered already; what was handed over and not settled is given up.

        Raises:
            BrokerUnavailable: the logs cannot be read.
            PartitionUnavailable: some of their partitions have no leader.
        """
        ...

    def publish(
        self,
        *,
        results: Sequence[Outgoing],
        dead_letters: Sequence[Outgoing],
        progress: Mapping[Partition, Progress],
        timeout_seconds: float,
    ) -> None:
        """Hand over the answers of a batch; `progress` is where its partitions stand behind it.

        Raises:
            PublishFailed: not everything was acked in time; what landed is unknown until `recover` has been called.
            OwnershipLost: the group counts somebody else as the owner.
        """
        ...

    def settle(self) -> None:
        """Wait until what was handed over counts; where nothing is on its way, end what was given up before.

        Raises:
            PublishFailed, OwnershipLost: as `publish`.
            BrokerUnavailable: what was given up cannot be ended yet.
            PartitionUnavailable: answers have no place now.
        """
        ...
