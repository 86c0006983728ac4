"""The input partitions this worker owns, through a consumer group."""

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import structlog
from kafka import TopicPartition
from kafka.errors import KafkaError
from kafka.structs import OffsetAndMetadata

from textsieve.worker.connectors.kafka.client.options import REQUEST_TIMEOUT_MS, translated
from textsieve.worker.connectors.kafka.client.patches import drop_unreadable
from textsieve.worker.connectors.kafka.consumer.fetch_positions import FetchPositions
from textsieve.worker.connectors.kafka.consumer.group_consumer import open_group_consumer
from textsieve.worker.connectors.kafka.consumer.group_offsets import GroupOffsets
from textsieve.worker.connectors.kafka.consumer.paused_partitions import (
    NO_LEADER_SECONDS,
    UNREADABLE_SECONDS,
    PausedPartitions,
)
from textsieve.worker.connectors.kafka.consumer.poll_errors import error_name, missing_positions, truncations
from textsieve.worker.connectors.kafka.consumer.readable_partitions import ReadablePartitions
from textsieve.worker.connectors.kafka.consumer.start_offsets import StartOffsets, other_topic
from textsieve.worker.connectors.kafka.group.commit_metadata import CommitMetadata
from textsieve.worker.connectors.kafka.group.member import GroupMember, Membership
from textsieve.worker.connectors.kafka.group.static_membership import FencedMemberWatch
from textsieve.worker.connectors.kafka.records import record_of
from textsieve.worker.errors import OwnershipLost
from textsieve.worker.records import Partition, Position
from textsieve.worker.settings import KafkaSettings
from textsieve.worker.streams import Poll

SECOND_LOOK_MS = 3  # a broker that has something answers sooner, and who waits for company waits no longer
COMMIT_TIMEOUT_MS = 2_000  # 0.7 ms when all is well


@dataclass(slots=True)
class KafkaSource:
    """One member of the consumer group; only the thread that made it may use it.

    Attributes:
        partitions: input partitions with a higher number are left alone: their results would have no place.
        topic_ids: input topic to Kafka's UUID.
        commits: whether offsets are committed through here; otherwise a transactional sink does it.
        max_reread: messages of all partitions together that are read again at most, however little the clusters know.
    """

    settings: KafkaSettings
    partitions: int
    topic_ids: Mapping[str, str]
    max_records: int
    log: structlog.stdlib.BoundLogger
    commits: bool = True
    max_reread: int | None = None  # None: no bound
    _consumer: Any = None  # opened unless it is given
    _aside: PausedPartitions = field(init=False)
    _fenced: FencedMemberWatch = field(init=False)
    _member: GroupMember = field(init=False)
    _positions: FetchPositions = field(init=False)
    _starts: StartOffsets = field(init=False)
    _offsets: GroupOffsets = field(init=False)
    _readable: ReadablePartitions = field(init=False)
    _out_of_range: set[Any] = field(default_factory=set)
    _truncated: dict[Any, int] = field(default_factory=dict)  # where the log is another one than was read
    _epochs: dict[Any, int] = field(default_factory=dict)  # of the leader, of the record before the position
    _group_offsets: dict[Any, int] = field(default_factory=dict)  # what the group had committed at the last rewind
    _committed: dict[Any, int] = field(default_factory=dict)  # what a fence commits again

    def __post_init__(self) -> None:
        if self._consumer is None:
            self._consumer = open_group_consumer(self.settings, max_records=self.max_records, commits=self.commits)
        self._aside = PausedPartitions(self.log)
        self._fenced = FencedMemberWatch(self.settings.group_instance_id)
        self._member = GroupMember(self._consumer)
        self._positions = FetchPositions(self._consumer)
        self._starts = StartOffsets(self.topic_ids, self.log)
        self._offsets = GroupOffsets(self._consumer, self.settings)
        self._readable = ReadablePartitions(self._consumer, self.partitions, self._aside, self.log)

    @property
    def membership(self) -> Membership:
        """Who this worker was to its group when its partitions were assigned."""
        return Membership(
            self._member.metadata,
            {Partition(*tp): offset for tp, offset in self._group_offsets.items()},
            {Partition(*tp): epoch for tp, epoch in self._epochs.items()},
        )

    @property
    def generation(self) -> int:
        """The group generation of the last poll, -1 before the first."""
        return self._member.generation

    def poll(self, *, max_records: int, timeout_seconds: float) -> Poll:
        """See Source."""
        polled = self._poll(max_records, timeout_seconds)
        reasons = self._aside.reasons
        return replace(polled, aside=reasons) if reasons else polled

    def set_aside(self, partitions: Collection[Partition], *, reason: str) -> None:
        """See Source."""
        named = [TopicPartition(*partition) for partition in partitions]
        self._aside.add(named, reason=reason, seconds=NO_LEADER_SECONDS)
        self._member.begin_again()  # the next poll begins again

    def _poll(self, max_records: int, timeout_seconds: float) -> Poll:
        if self._aside.has_returned():
            self._member.begin_again()
        self._readable.pause_all(wanted=max_records == 0)
        try:
            with translated("polling"):
                batches = self._read(max(1, max_records), timeout_seconds)
        except Exception as error:
            if (unreadable := drop_unreadable(self._consumer, error)) is not None:
                reason = (
                    f"from offset {self._positions.of_client(unreadable)} on it cannot be read ({error_name(error)})"
                )
                self._aside.add([unreadable], reason=reason, seconds=UNREADABLE_SECONDS)
                self._member.keep()
                return Poll(reassigned=True, joined=self._member.is_joined)
            missing = missing_positions(error)
            if missing is None:
                raise
            self._out_of_range |= missing
            self._truncated |= truncations(error)
            self._member.keep()
            return Poll(reassigned=True, joined=self._member.is_joined)
        self._fenced.check(self._consumer)
        self._refuse_new_topics()
        if self._member.has_moved_on:
            self._member.keep()
            return Poll(reassigned=True, joined=self._member.is_joined)
        if max_records == 0 or not self._member.is_joined:
            if batches:  # read past, not handed on: the next poll must begin again
                self._member.begin_again()
            return Poll(joined=self._member.is_joined)
        self._aside.well(batches)
        self._positions.advance(batches)
        self._epochs |= {partition: batch[-1].leader_epoch for partition, batch in batches.items()}
        if lost := self._positions.beyond_end():
            self._out_of_range |= lost
            return Poll(reassigned=True)
        return Poll(
            {Partition(*tp): list(map(record_of, batch)) for tp, batch in batches.items()}, lag=self._positions.lag()
        )

    def _read(self, max_records: int, timeout_seconds: float) -> dict[Any, list[Any]]:
        """What has come by now: what was fetched ahead is older than the last batch, so look twice."""
        batches: dict[Any, list[Any]] = self._consumer.poll(
            timeout_ms=int(timeout_seconds * 1000), max_records=max_records
        )
        missing = max_records - sum(map(len, batches.values()))
        if batches and missing > 0:
            for partition, later in self._consumer.poll(timeout_ms=SECOND_LOOK_MS, max_records=missing).items():
                batches.setdefault(partition, []).extend(later)
        return batches

    def rewind(
        self, floor: Mapping[Partition, Position], *, unsure: Collection[Partition] = ()
    ) -> Mapping[Partition, Position]:
        """See Source."""
        self._refuse_new_topics()
        owned = self._readable.select()
        starts: dict[Any, int] = {}
        with translated("asking for committed offsets"):
            first = self._offsets.first(owned)
            stored = self._offsets.committed(owned)
            began = self._offsets.initial([partition for partition in owned if partition not in stored], first)
            suspects = [partition for partition in owned if partition in self._out_of_range]
            ends = self._offsets.ends(suspects)
            fresh, noted = {}, {}
            for partition in owned:
                committed = stored.get(partition)
                start = began[partition] if committed is None else committed.offset
                if committed is None or start < first[partition]:
                    fresh[partition] = max(start, first[partition])
                noted[partition] = start if committed is None else self._starts.learned_by(partition, committed)
                starts[partition] = self._starts.within_log(
                    partition,
                    start,
                    first=first[partition],
                    end=ends.get(partition, start),
                    truncated_at=self._truncated.get(partition, start),
                )
            self._out_of_range.clear()
            self._truncated.clear()
            self._epochs = {
                partition: -1 if committed.leader_epoch is None else committed.leader_epoch
                for partition, committed in stored.items()
                if partition not in fresh  # nothing is known of the message before such a start
            }
            self._consumer_commit(fresh)
        self._group_offsets = dict(starts)
        starts = {
            partition: max(
                self._to_read(partition, start, noted[partition], floor, unsure=Partition(*partition) in unsure),
                first[partition],
            )
            for partition, start in starts.items()
        }
        self._committed = dict(starts)
        self._positions.begin(starts)
        with translated("seeking"):
            for partition, start in starts.items():
                self._seek(partition, start)
        return {Partition(*tp): Position(start, self.topic_ids[tp.topic]) for tp, start in starts.items()}

    def working(self) -> None:
        """Tell the client that its owner is at work: it leaves the group when polls are too far apart."""
        self._consumer._coordinator.heartbeat.poll()  # noqa: SLF001  # a poll would, and would read too

    def fence(self) -> None:
        """See Source."""
        with translated("fencing"):
            if self.commits:
                self._consumer_commit(self._committed)
                return
            self._member.require_current()
            if self._positions.offsets:  # the broker answers for those that are read; one aside may have no leader
                self._consumer.end_offsets([min(self._positions.offsets)], timeout_ms=REQUEST_TIMEOUT_MS)

    def commit(self, offsets: Mapping[Partition, int]) -> None:
        """See Source."""
        wanted = {TopicPartition(*partition): offset for partition, offset in offsets.items()}
        with translated("committing"):
            self._consumer_commit(wanted)
        self._committed |= wanted

    def close(self, *, timeout_seconds: float) -> None:
        """Leave the group, so that others take over at once; or expire, where leaving would break the group."""
        with suppress(KafkaError, OSError):
            # the embedded broker never replaces a leader that leaves during a rebalance, and all members of the group
            # wait for it for ever; it does replace one that falls silent
            if self.settings.preset == "embedded" and self._member.may_lead:
                self._consumer._coordinator.reset_generation()  # noqa: SLF001  # nothing is left for close() to leave
            self._consumer.close(autocommit=False, timeout_ms=int(timeout_seconds * 1000))

    def _consumer_commit(self, offsets: Mapping[Any, int]) -> None:
        """Commit explicit offsets if the membership is still that of the last poll."""
        self._member.require_current()
        if offsets:
            if not self._member.is_joined:
                raise OwnershipLost("this worker is not in the consumer group at present")
            entries = {
                partition: OffsetAndMetadata(
                    offset,
                    str(CommitMetadata(self.topic_ids[partition.topic], offset)),
                    self._epochs.get(partition, -1),
                )
                for partition, offset in offsets.items()
            }
            self._consumer.commit(entries, timeout_ms=COMMIT_TIMEOUT_MS)

    def _refuse_new_topics(self) -> None:
        """A topic that was deleted and made anew has the offsets of the old one in all three ledgers."""
        for topic in self.settings.input_topics:
            known, found = self.topic_ids.get(topic), self._consumer._cluster.topic_id(topic)  # noqa: SLF001
            if known and found is not None and found.int != 0 and str(found) != known:
                raise other_topic(topic)

    def _to_read(
        self, partition: Any, committed: int, noted: int, floor: Mapping[Partition, Position], *, unsure: bool
    ) -> int:
        share = None if self.max_reread is None else self.max_reread // len(self._group_offsets)
        start = self._starts.to_read(partition, committed, noted=noted, floor=floor, unsure=unsure, max_reread=share)
        if start < committed:
            self._epochs.pop(partition, None)  # the leader of the message before it is not known
        return start

    def _seek(self, partition: Any, offset: int) -> None:
        """Go there; the client asks the broker whether the log is still the one that was read up to there."""
        try:
            self._consumer.seek(partition, offset)
            if (epoch := self._epochs.get(partition, -1)) >= 0:
                state = self._consumer._subscription.assignment[partition]  # noqa: SLF001  # seek() takes no epoch
                state.seek(OffsetAndMetadata(offset, "", epoch))
        except (AssertionError, KeyError, KafkaError) as error:
            raise OwnershipLost(f"{partition.topic}/{partition.partition} was given away while starting") from error
