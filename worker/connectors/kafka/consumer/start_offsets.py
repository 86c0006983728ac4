"""Where a partition starts: by what the group has committed, the clusters have learned and the log still has."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from textsieve.worker.connectors.kafka.group.commit_metadata import CommitMetadata
from textsieve.worker.errors import LedgerError
from textsieve.worker.records import Partition, Position


@dataclass(frozen=True, slots=True)
class StartOffsets:
    """The rules of a start.

    Attributes:
        topic_ids: input topic to Kafka's UUID.
    """

    topic_ids: Mapping[str, str]
    log: structlog.stdlib.BoundLogger

    def learned_by(self, partition: Any, committed: Any) -> int:
        """The first offset that the clusters were not known to have learned when this one was committed.

        Args:
            partition: of the input.
            committed: kafka-python's OffsetAndMetadata.

        Raises:
            LedgerError: it belongs to another topic of the same name.
        """
        metadata = CommitMetadata.read(committed.metadata)
        if metadata is None:
            return int(committed.offset)
        ours = self.topic_ids[partition.topic]
        if metadata.topic_id and ours and metadata.topic_id != ours:
            raise other_topic(partition.topic)
        return min(metadata.learned, int(committed.offset))

    def within_log(self, partition: Any, start: int, *, first: int, end: int, truncated_at: int) -> int:
        """The start, or the first offset that is left where messages have expired.

        Args:
            partition: of the input.
            start: as the group has committed it.
            first: the first offset of the log.
            end: the offset behind its last message.
            truncated_at: from where on the log is another one than was read.

        Raises:
            LedgerError: the log that was read is not there any more.
        """
        name = f"{partition.topic}/{partition.partition}"
        if start < first:
            self.log.error(
                "messages expired before they were read: retention is shorter than the time this group was away",
                partition=name,
                lost_at_most=first - start,  # the ends of transactions take offsets too, and nobody can tell any more
            )
            return first
        if start > truncated_at:
            raise LedgerError(
                f"{name}: messages that were answered were lost by the brokers, and others have their offsets, from"
                f" {truncated_at} on: the group has committed {start}. An unclean election does that. Set"
                f" the group back to {truncated_at}, to have what came since answered, then start again"
            )
        if start > end:
            raise LedgerError(
                f"{name}: the group's committed offset {start} lies beyond the end of the topic, {end}: it was made"
                " anew or truncated. Reset the group's offsets, or choose another kafka.group_id, then start again"
            )
        return start

    def to_read(  # each of them is a bound
        self,
        partition: Any,
        committed: int,
        *,
        noted: int,
        floor: Mapping[Partition, Position],
        unsure: bool,
        max_reread: int | None,
    ) -> int:
        """Where to read on so that the store misses nothing: at the committed offset, or before it.

        Args:
            partition: of the input.
            committed: by the group.
            noted: as `learned_by` has it.
            floor: the first offset of each partition that the store lacks.
            unsure: the store may lack more than `floor` says: what was noted counts too.
            max_reread: messages that are read again at most.
        """
        known = floor.get(Partition(*partition))
        is_known = known is not None and known.topic_id == self.topic_ids[partition.topic]
        start = known.offset if known is not None and is_known else noted
        if unsure:
            start = min(start, noted)
        if max_reread is not None:
            start = max(start, committed - max_reread)
        if start >= committed:
            return committed
        self.log.warning(
            "the store knows less than was committed: reading again what it misses; nothing is published twice",
            partition=f"{partition.topic}/{partition.partition}",
            messages=committed - start,
        )
        return start


def other_topic(topic: str) -> LedgerError:
    """The error where a topic was deleted and made anew: its offsets are those of the old one in all ledgers."""
    return LedgerError(
        f"topic {topic}: expected the topic that the group's offsets belong to, got another one of the same name."
        " Reset the group's offsets to the earliest, or choose another kafka.group_id, then start again"
    )
