"""The place of this worker in its consumer group, as it was when its partitions were assigned."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kafka.structs import ConsumerGroupMetadata, MemberState

from textsieve.worker.errors import OwnershipLost
from textsieve.worker.records import Partition


@dataclass(frozen=True, slots=True)
class Membership:
    """Who the worker is to its consumer group, as of the moment in which its partitions were assigned.

    It must be that moment. After a lost session the client forgets its generation and its name, and a broker accepts
    offsets from "no member" without a look: asked for at the commit, the membership would let a zombie through.

    Attributes:
        group: the library's ConsumerGroupMetadata.
        committed: the offsets from which the group started then, where this worker has not committed others since.
        epochs: of the leader that took the last message read, by which truncated logs are known; where it is known.
    """

    group: Any
    committed: Mapping[Partition, int]
    epochs: Mapping[Partition, int] = field(default_factory=dict)

    @property
    def is_member(self) -> bool:
        """Whether the group had given this worker a place."""
        return bool(self.group.generation_id >= 0 and self.group.member_id)


@dataclass(slots=True)
class GroupMember:
    """Tells whether the group has moved on since the assignment that is worked on.

    Attributes:
        consumer: kafka-python's.
        metadata: the library's ConsumerGroupMetadata, as of the poll that told of the assignment.
    """

    consumer: Any
    metadata: Any = ConsumerGroupMetadata()  # noqa: RUF009  # immutable
    _assigned: tuple[int, str, frozenset[Any]] | None = None

    @property
    def generation(self) -> int:
        """The group generation of the last poll, -1 before the first."""
        return -1 if self._assigned is None else self._assigned[0]

    @property
    def has_moved_on(self) -> bool:
        """Whether another assignment is in force than the one that was kept."""
        return self._now() != self._assigned

    @property
    def is_joined(self) -> bool:
        """Whether the group has settled with us in it."""
        metadata = self.consumer.group_metadata()
        return bool(metadata.generation_id >= 0 and metadata.state == MemberState.STABLE)

    @property
    def may_lead(self) -> bool:
        """Whether this member leads the group, or might by the end of a rebalance that is under way."""
        return bool(self.consumer._coordinator._is_leader) or not self.is_joined  # noqa: SLF001  # nothing else tells

    def keep(self) -> None:
        """Keep who we are now: asked for later, a client that lost its session would say "no member"."""
        self._assigned, self.metadata = self._now(), self.consumer.group_metadata()

    def begin_again(self) -> None:
        """Let the next poll be one that tells of an assignment."""
        self._assigned = None

    def require_current(self) -> None:
        """Refuse to act on an assignment that is not in force any more.

        Raises:
            OwnershipLost: the group has moved on.
        """
        if self.has_moved_on:
            raise OwnershipLost("the consumer group has moved on since the last poll")

    def _now(self) -> tuple[int, str, frozenset[Any]]:
        metadata = self.consumer.group_metadata()
        return metadata.generation_id, metadata.member_id, frozenset(self.consumer.assignment())
