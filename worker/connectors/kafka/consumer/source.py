"""The input partitions this worker owns, through a consumer group."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import structlog
from kafka import KafkaConsumer, TopicPartition
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from kafka.coordinator.assignors.range import RangePartitionAssignor
from kafka.errors import KafkaError, LogTruncationError, NoOffsetForPartitionError, OffsetOutOfRangeError
from kafka.protocol.consumer.offsets import IsolationLevel
from kafka.structs import ConsumerGroupMetadata, MemberState, OffsetAndMetadata

from textsieve.worker.connectors.kafka.client.options import (
    METADATA_AGE_MS,
    REQUEST_TIMEOUT_MS,
    connecting,
    connection_options,
    offsets_of,
    translated,
)
from textsieve.worker.connectors.kafka.client.patches import drop_unreadable
from textsieve.worker.connectors.kafka.consumer.paused_partitions import (
    NO_LEADER_SECONDS,
    UNREADABLE_SECONDS,
    PausedPartitions,
    leaderless,
)
from textsieve.worker.connectors.kafka.group.commit_metadata import CommitMetadata
from textsieve.worker.connectors.kafka.group.static_membership import FencedMemberWatch
from textsieve.worker.connectors.kafka.producer.transactions import Membership
from textsieve.worker.connectors.kafka.records import record_of
from textsieve.worker.errors import LedgerError, OwnershipLost
from textsieve.worker.records import Partition, Position
from textsieve.worker.settings import KafkaSettings
from textsieve.worker.streams import Poll

SECOND_LOOK_MS = 3  # a broker that has something answers sooner, and who waits for company waits no longer
COMMIT_TIMEOUT_MS = 2_000  # 0.7 ms when all is well
POLLS_BEYOND_END = (
    20  # 6 s of an idle worker: a new leader's high watermark may lag for moments, a lost log stays short
)


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
    _aside: PausedPartitions = field(init=False)
    _consumer: Any = field(init=False)
    _fenced: FencedMemberWatch = field(init=False)
    _membership: object = None
    _group: Any = ConsumerGroupMetadata()  # noqa: RUF009  # immutable; as of the poll that told of the assignment
    _paused: bool = False
    _out_of_range: set[Any] = field(default_factory=set)
    _truncated: dict[Any, int] = field(default_factory=dict)  # where the log is another one than was read
    _epochs: dict[Any, int] = field(default_factory=dict)  # of the leader, of the record before the position
    _group_offsets: dict[Any, int] = field(default_factory=dict)  # what the group had committed at the last rewind
    _committed: dict[Any, int] = field(default_factory=dict)  # what a fence commits again
    _positions: dict[Any, int] = field(default_factory=dict)  # next offset to be read
    _refused: frozenset[Any] = frozenset()
    _beyond: dict[Any, int] = field(default_factory=dict)  # polls in a row in which the log ended before the position

    def __post_init__(self) -> None:
        self._fenced = FencedMemberWatch(self.settings.group_instance_id)
        embedded = self.settings.preset == "embedded"
        self._aside = PausedPartitions(self.log)
        session_ms = self.settings.session_ms
        with connecting("joining the consumer group"):
            self._consumer = KafkaConsumer(
                **connection_options(self.settings),
                metrics_enabled=False,
                group_id=self.settings.group_id,
                group_instance_id=self.settings.group_instance_id,
                enable_auto_commit=False,
                auto_offset_reset="none",  # where to start is our decision: a silent reset would lose or repeat
                isolation_level=self.settings.isolation_level or ("read_uncommitted" if embedded else "read_committed"),
                partition_assignment_strategy=[RangePartitionAssignor if embedded else CooperativeStickyAssignor],
                session_timeout_ms=session_ms,
                heartbeat_interval_ms=session_ms // 4 if embedded else min(3_000, session_ms // 4),
                max_poll_interval_ms=self.settings.poll_interval_ms,
                max_poll_records=self.max_records,
                fetch_max_bytes=self.settings.fetch_max_bytes,
                max_partition_fetch_bytes=min(self.settings.fetch_max_bytes, 2 * 1024 * 1024),
                # the embedded broker holds a fetch that found nothing until its time is up, whatever comes meanwhile
                fetch_max_wait_ms=20 if embedded else 200,
                # a heartbeat that is answered after the session is as good as none
                request_timeout_ms=min(REQUEST_TIMEOUT_MS, session_ms),
                allow_auto_create_topics=False,
                metadata_max_age_ms=METADATA_AGE_MS,
            )
        if not self.commits:  # whatever is read of the input: a transaction that ends later would move the offsets
            self._consumer._coordinator._isolation_level = IsolationLevel.READ_COMMITTED  # noqa: SLF001
        self._consumer.subscribe(list(self.settings.input_topics))

    @property
    def membership(self) -> Membership:
        """Who this worker was to its group when its partitions were assigned."""
        return Membership(
            self._group,
            {Partition(*tp): offset for tp, offset in self._group_offsets.items()},
            {Partition(*tp): epoch for tp, epoch in self._epochs.items()},
        )

    @property
    def generation(self) -> int:
        """The group generation of the last poll, -1 before the first."""
        return self._membership[0] if isinstance(self._membership, tuple) else -1

    @property
    def _request_timeout_ms(self) -> int:
        """For one question: while it is asked nobody polls, and the group waits for whoever does not."""
        return min(REQUEST_TIMEOUT_MS, self.settings.session_ms // 2)

    def poll(self, *, max_records: int, timeout_seconds: float) -> Poll:
        """See Source."""
        polled = self._poll(max_records, timeout_seconds)
        reasons = self._aside.reasons
        return replace(polled, aside=reasons) if reasons else polled

    def set_aside(self, partitions: Collection[Partition], *, reason: str) -> None:
        """See Source."""
        named = [TopicPartition(*partition) for partition in partitions]
        self._aside.add(named, reason=reason, seconds=NO_LEADER_SECONDS)
        self._membership = None  # the next poll begins again

    def _poll(self, max_records: int, timeout_seconds: float) -> Poll:
        if self._aside.has_returned():
            self._membership = None
        self._pause(wanted=max_records == 0)
        try:
            with translated("polling"):
                batches = self._read(max(1, max_records), timeout_seconds)
        except Exception as error:
            if (unreadable := drop_unreadable(self._consumer, error)) is not None:
                reason = f"from offset {self._client_position(unreadable)} on it cannot be read ({_plain(error)})"
                self._aside.add([unreadable], reason=reason, seconds=UNREADABLE_SECONDS)
                self._remember()
                return Poll(reassigned=True, joined=self._joined())
            missing = _missing_position(error)
            if missing is None:
                raise
            self._out_of_range |= missing
            self._truncated |= _truncations(error)
            self._remember()
            return Poll(reassigned=True, joined=self._joined())
        self._fenced.check(self._consumer)
        self._refuse_new_topics()
        if self._snapshot() != self._membership:
            self._remember()
            return Poll(reassigned=True, joined=self._joined())
        if max_records == 0 or not self._joined():
            if batches:  # read past, not handed on: the next poll must begin again
                self._membership = None
            return Poll(joined=self._joined())
        self._aside.well(batches)
        for partition, batch in batches.items():
            self._positions[partition] = batch[-1].offset + 1
            self._epochs[partition] = batch[-1].leader_epoch
        if lost := self._truncated_logs():
            self._out_of_range |= lost
            return Poll(reassigned=True)
        return Poll({Partition(*tp): list(map(record_of, batch)) for tp, batch in batches.items()}, lag=self._lag())

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

    def rewind(self, floor: Mapping[Partition, Position]) -> Mapping[Partition, Position]:
        """See Source."""
        self._refuse_new_topics()
        owned = self._usable()
        starts: dict[Any, int] = {}
        with translated("asking for committed offsets"):
            first = self._ask_offsets(self._consumer.beginning_offsets, owned)
            stored = self._stored(owned)
            began = self._fresh_starts([partition for partition in owned if partition not in stored], first)
            suspects = [partition for partition in owned if partition in self._out_of_range]
            ends = self._ask_offsets(self._consumer.end_offsets, suspects)
            fresh, noted = {}, {}
            for partition in owned:
                committed = stored.get(partition)
                start = began[partition] if committed is None else committed.offset
                if committed is None or start < first[partition]:
                    fresh[partition] = max(start, first[partition])
                noted[partition] = start if committed is None else self._noted(partition, committed)
                starts[partition] = self._clamp(partition, start, first[partition], ends.get(partition, start))
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
            partition: max(self._learned(partition, start, noted[partition], floor), first[partition])
            for partition, start in starts.items()
        }
        self._committed = dict(starts)
        self._positions = dict(starts)
        self._beyond.clear()
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
            elif self._snapshot() != self._membership:
                raise OwnershipLost("the consumer group has moved on since the last poll")
            elif self._positions:  # the broker answers for those that are read; one that is aside may have no leader
                self._consumer.end_offsets([min(self._positions)], timeout_ms=REQUEST_TIMEOUT_MS)

    def commit(self, offsets: Mapping[Partition, int]) -> None:
        """See Source."""
        wanted = {TopicPartition(*partition): offset for partition, offset in offsets.items()}
        with translated("committing"):
            self._consumer_commit(wanted)
        self._committed |= wanted

    def close(self, *, timeout_seconds: float) -> None:
        """Leave the group, so that others take over at once; or expire, where leaving would break the group."""
        with suppress(KafkaError, OSError):
            if self.settings.preset == "embedded" and self._may_lead():
                self._consumer._coordinator.reset_generation()  # noqa: SLF001  # nothing is left for close() to leave
            self._consumer.close(autocommit=False, timeout_ms=int(timeout_seconds * 1000))

    def _consumer_commit(self, offsets: Mapping[Any, int]) -> None:
        """Commit explicit offsets if the membership is still that of the last poll."""
        if self._snapshot() != self._membership:
            raise OwnershipLost("the consumer group has moved on since the last poll")
        if offsets:
            if not self._joined():
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

    def _snapshot(self) -> tuple[int, str, frozenset[Any]]:
        metadata = self._consumer.group_metadata()
        return metadata.generation_id, metadata.member_id, frozenset(self._consumer.assignment())

    def _remember(self) -> None:
        """Keep who we are now: asked for later, a client that lost its session would say "no member"."""
        self._membership, self._group = self._snapshot(), self._consumer.group_metadata()

    def _joined(self) -> bool:
        """Whether the group has settled with us in it."""
        metadata = self._consumer.group_metadata()
        return bool(metadata.generation_id >= 0 and metadata.state == MemberState.STABLE)

    def _may_lead(self) -> bool:
        """Whether this member leads the group, or might by the end of a rebalance that is under way.

        The embedded broker never replaces a leader that leaves during a rebalance, and all members of the group wait
        for it for ever. It does replace one that falls silent.
        """
        return bool(self._consumer._coordinator._is_leader) or not self._joined()  # noqa: SLF001  # nothing else tells

    def _refuse_new_topics(self) -> None:
        """A topic that was deleted and made anew has the offsets of the old one in all three ledgers."""
        for topic in self.settings.input_topics:
            known, found = self.topic_ids.get(topic), self._consumer._cluster.topic_id(topic)  # noqa: SLF001
            if known and found is not None and found.int != 0 and str(found) != known:
                raise _other_topic(topic)

    def _noted(self, partition: Any, committed: Any) -> int:
        """The first offset that the clusters were not known to have learned when this one was committed."""
        note = CommitMetadata.read(committed.metadata)
        if note is None:
            return int(committed.offset)
        if note.topic_id and self.topic_ids[partition.topic] and note.topic_id != self.topic_ids[partition.topic]:
            raise _other_topic(partition.topic)
        return min(note.learned, int(committed.offset))

    def _usable(self) -> list[Any]:
        """Owned partitions whose results have a place; the others are paused, and the operator is told."""
        assigned = self._consumer.assignment()
        refused = frozenset(tp for tp in assigned if tp.partition >= self.partitions)
        for partition in refused:
            self._consumer.pause(partition)
            self._consumer.seek(partition, 0)  # any position will do: without one, every poll would complain
        if refused - self._refused:
            self.log.error(
                "input partitions were added while running: they are paused. Give the output and dead-letter topics as"
                " many partitions as the input, then restart the workers",
                partitions=sorted(f"{tp.topic}/{tp.partition}" for tp in refused),
            )
        self._refused = refused
        self._aside.keep(assigned)
        if orphaned := leaderless(self._consumer._cluster, assigned - refused - self._aside.partitions):  # noqa: SLF001
            self._aside.add(orphaned, reason="it has no leader", seconds=NO_LEADER_SECONDS)
        for partition in self._aside.partitions:
            self._consumer.pause(partition)
            self._consumer.seek(partition, 0)  # as above
        usable = sorted(assigned - refused - self._aside.partitions)
        if not self._paused:
            self._consumer.resume(*usable)  # those, too, that have just returned
        return usable

    def _stored(self, owned: Sequence[Any]) -> Mapping[Any, Any]:
        """What the group has committed; one question for all partitions, which the public API has not."""
        found: Mapping[Any, Any] = self._consumer._coordinator.fetch_committed_offsets(  # noqa: SLF001  # as above
            owned, timeout_ms=self._request_timeout_ms
        )
        return found

    def _fresh_starts(self, partitions: Sequence[Any], first: Mapping[Any, int]) -> Mapping[Any, int]:
        """Where partitions start for which the group has committed nothing."""
        if self.settings.auto_offset_reset == "earliest":
            return {partition: first[partition] for partition in partitions}
        return self._ask_offsets(self._consumer.end_offsets, partitions)

    def _ask_offsets(self, question: Any, partitions: Sequence[Any]) -> Mapping[Any, int]:
        return offsets_of(question, partitions, timeout_ms=self._request_timeout_ms) if partitions else {}

    def _clamp(self, partition: Any, start: int, first: int, end: int) -> int:
        if start < first:
            self.log.error(
                "messages expired before they were read: retention is shorter than the time this group was away",
                partition=f"{partition.topic}/{partition.partition}",
                lost_at_most=first - start,  # the ends of transactions take offsets too, and nobody can tell any more
            )
            return first
        name = f"{partition.topic}/{partition.partition}"
        if start > self._truncated.get(partition, start):
            raise LedgerError(
                f"{name}: messages that were answered were lost by the brokers, and others have their offsets, from"
                f" {self._truncated[partition]} on: the group has committed {start}. An unclean election does that. Set"
                f" the group back to {self._truncated[partition]}, to have what came since answered, then start again"
            )
        if start > end:
            raise LedgerError(
                f"{name}: the group's committed offset {start} lies beyond the end of the topic, {end}: it was made"
                " anew or truncated. Reset the group's offsets, or choose another kafka.group_id, then start again"
            )
        return start

    def _learned(self, partition: Any, committed: int, noted: int, floor: Mapping[Partition, Position]) -> int:
        """Where to read on so that the clusters miss nothing: at the committed offset, or before it."""
        known = floor.get(Partition(*partition))
        is_known = known is not None and known.topic_id == self.topic_ids[partition.topic]
        learned = known.offset if known is not None and is_known else noted
        if self.max_reread is not None:
            learned = max(learned, committed - self.max_reread // len(self._group_offsets))
        if learned >= committed:
            return committed
        self.log.warning(
            "the clusters know less than was committed: reading again what they miss; nothing is published twice",
            partition=f"{partition.topic}/{partition.partition}",
            messages=committed - learned,
        )
        self._epochs.pop(partition, None)  # the leader of the message before it is not known
        return learned

    def _seek(self, partition: Any, offset: int) -> None:
        """Go there; the client asks the broker whether the log is still the one that was read up to there."""
        try:
            self._consumer.seek(partition, offset)
            if (epoch := self._epochs.get(partition, -1)) >= 0:
                state = self._consumer._subscription.assignment[partition]  # noqa: SLF001  # seek() takes no epoch
                state.seek(OffsetAndMetadata(offset, "", epoch))
        except (AssertionError, KeyError, KafkaError) as error:
            raise OwnershipLost(f"{partition.topic}/{partition.partition} was given away while starting") from error

    def _pause(self, *, wanted: bool) -> None:
        assigned: set[Any] = self._consumer.assignment() - self._refused - self._aside.partitions
        if wanted:
            self._consumer.pause(*assigned)
        elif self._paused:
            self._consumer.resume(*assigned)
        self._paused = wanted

    def _truncated_logs(self) -> set[Any]:
        """Partitions that end before our position, and stay so: some brokers answer that with silence, not an error."""
        for partition, position in self._positions.items():
            highwater = self._consumer.highwater(partition)
            is_beyond = highwater is not None and highwater < position
            self._beyond[partition] = self._beyond.get(partition, 0) + 1 if is_beyond else 0
        return {partition for partition, polls in self._beyond.items() if polls >= POLLS_BEYOND_END}

    def _lag(self) -> dict[Partition, int]:
        lag = {}
        for partition, behind_last in self._positions.items():
            highwater = self._consumer.highwater(partition)
            if highwater is not None:
                # the client's own position is behind the ends of transactions too, which are no messages
                lag[Partition(*partition)] = max(0, highwater - max(self._client_position(partition), behind_last))
        return lag

    def _client_position(self, partition: Any) -> int:
        """Where the client is; its own method waits for whatever it has to ask of the leaders of all partitions."""
        position = self._consumer._subscription.assignment[partition].position  # noqa: SLF001
        return -1 if position is None else int(position.offset)


def _plain(error: BaseException) -> str:
    """What went wrong with a record; libraries may quote what they could not read, so only the kind of error."""
    return type(error.__cause__ or error).__name__


def _missing_position(error: BaseException) -> set[Any] | None:
    """Partitions without a valid position, if that is what a poll complained about."""
    cause = error.__cause__
    if isinstance(cause, (NoOffsetForPartitionError, LogTruncationError)):
        return set()
    if isinstance(cause, OffsetOutOfRangeError):
        offsets: Sequence[Any] = cause.args
        return {tp for arg in offsets if isinstance(arg, dict) for tp in arg}
    return None


def _truncations(error: BaseException) -> dict[Any, int]:
    """Partitions whose log is not the one that was read, and from where on; 0 where the broker does not know."""
    cause = error.__cause__
    if not isinstance(cause, LogTruncationError):
        return {}
    return {tp: 0 if found is None else found.offset for tp, found in cause.divergent_offsets.items()}


def _other_topic(topic: str) -> LedgerError:
    return LedgerError(
        f"topic {topic}: expected the topic that the group's offsets belong to, got another one of the same name."
        " Reset the group's offsets to the earliest, or choose another kafka.group_id, then start again"
    )
