"""Where a partition starts, over a consumer that only takes notes."""

from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest
import structlog
from kafka import TopicPartition
from kafka.consumer.fetcher import Fetcher
from kafka.errors import KafkaConnectionError, LogTruncationError, OffsetOutOfRangeError
from kafka.structs import MemberState, OffsetAndMetadata

from textsieve.worker.connectors.kafka.consumer.fetch_positions import POLLS_BEYOND_END
from textsieve.worker.connectors.kafka.consumer.paused_partitions import (
    NO_LEADER_SECONDS,
    UNREADABLE_SECONDS,
)
from textsieve.worker.connectors.kafka.consumer.source import KafkaSource
from textsieve.worker.connectors.kafka.group.commit_metadata import CommitMetadata
from textsieve.worker.errors import BrokerUnavailable, LedgerError, OwnershipLost
from textsieve.worker.records import Partition, Position
from textsieve.worker.settings import KafkaSettings
from textsieve.worker.testing import ManualClock

TP = TopicPartition("in", 0)
P0 = Partition("in", 0)


@dataclass
class RecordingConsumer:
    first: int = 0
    stored: int | None = 50
    commits: list[int] = field(default_factory=list)
    sought: int = -1
    generation: int = 3
    end: int | None = 60
    note: str = ""
    asked: int = 0  # times for the end
    questions: list[set] = field(default_factory=list)  # for committed offsets
    asked_for: list = field(default_factory=list)  # the partitions each time
    epoch: int = -1  # beside the committed offset
    epoch_sought: int = -1
    epoch_committed: int | None = None
    complaint: Exception | None = None  # of the next poll
    fetched: dict = field(default_factory=dict)
    leader: int = 1
    paused: set = field(default_factory=set)
    elsewhere: tuple = ()  # partitions that are assigned too

    @property
    def _cluster(self):
        """As of a broker that knows no topic ids."""
        return SimpleNamespace(topic_id=lambda _: None, leader_for_partition=lambda tp: self.leader if tp == TP else 1)

    def assignment(self):
        return {TP, *self.elsewhere}

    def group_metadata(self):
        return SimpleNamespace(generation_id=self.generation, member_id="me", state=MemberState.STABLE)

    def beginning_offsets(self, partitions, timeout_ms):
        return dict.fromkeys(partitions, self.first)

    @property
    def _coordinator(self):
        return SimpleNamespace(fetch_committed_offsets=self.committed)

    def committed(self, partitions, timeout_ms):
        self.questions.append(set(partitions))
        if self.stored is None:
            return {}
        return dict.fromkeys(partitions, OffsetAndMetadata(self.stored, self.note, self.epoch))

    @property
    def _subscription(self):
        def seek(position):
            self.epoch_sought = position.leader_epoch

        position = SimpleNamespace(offset=self.sought)
        state = SimpleNamespace(seek=seek, position=position)
        return SimpleNamespace(assignment=dict.fromkeys(self.assignment(), state))

    def end_offsets(self, partitions, timeout_ms):
        self.asked += 1
        self.asked_for.append(partitions)
        return dict.fromkeys(partitions, self.end)

    def commit(self, offsets, timeout_ms):
        self.commits.append(offsets[TP].offset)
        self.epoch_committed = offsets[TP].leader_epoch

    def poll(self, timeout_ms, max_records):
        complaint, self.complaint = self.complaint, None
        if complaint is not None:
            raise complaint
        return self.fetched

    def highwater(self, partition):
        return self.end

    def position(self, partition, timeout_ms):
        raise AssertionError("waits for the leaders of all partitions, one of which may have none")

    def pause(self, *partitions):
        self.paused |= set(partitions)

    def resume(self, *partitions):
        self.paused -= set(partitions)

    def seek(self, partition, offset):
        self.sought = offset


def source(consumer, *, commits=True, clock=None, partitions=1):
    """A source over a consumer that connects to nothing."""
    log = structlog.stdlib.get_logger("test")
    made = KafkaSource(KafkaSettings(), partitions, {"in": "now"}, 10, log, commits=commits, _consumer=consumer)
    made._aside.clock = clock or ManualClock(0.0)
    made._member.keep()
    return made


def test_a_partition_starts_at_the_committed_offset():
    consumer = RecordingConsumer()

    assert {P0: Position(50, "now")} == source(consumer).rewind({})
    assert 50 == consumer.sought


def test_a_partition_starts_earlier_where_the_clusters_have_learned_less():
    consumer = RecordingConsumer()

    assert {P0: Position(30, "now")} == source(consumer).rewind({P0: Position(30, "now")})
    assert 30 == consumer.sought


@pytest.mark.parametrize(("most", "start"), [(0, 50), (5, 45), (20, 30), (1000, 30)])
def test_no_more_messages_are_read_again_than_are_allowed(most, start):
    bounded = source(RecordingConsumer())
    bounded.max_reread = most

    assert {P0: Position(start, "now")} == bounded.rewind({P0: Position(30, "now")})


def test_what_the_clusters_learned_of_another_life_of_the_topic_does_not_matter():
    assert {P0: Position(50, "now")} == source(RecordingConsumer()).rewind({P0: Position(30, "before")})


def test_the_committed_offsets_of_all_partitions_are_one_question():
    another = TopicPartition("in", 1)
    consumer = RecordingConsumer(elsewhere=(another,))
    stream = source(consumer, partitions=2)

    stream.rewind({})

    assert [{TP, another}] == consumer.questions


def test_a_first_start_is_committed_at_once_so_that_it_cannot_move():
    consumer = RecordingConsumer(first=4, stored=None)

    source(consumer).rewind({})

    assert [4] == consumer.commits


@pytest.mark.parametrize("floor", [{}, {P0: Position(20, "before")}])
def test_a_partition_of_which_the_store_knows_nothing_starts_where_the_last_commit_noted(floor):
    consumer = RecordingConsumer(note=str(CommitMetadata("now", 44)))

    assert {P0: Position(44, "now")} == source(consumer).rewind(floor)


def test_what_the_store_knows_outweighs_what_the_last_commit_noted():
    consumer = RecordingConsumer(note=str(CommitMetadata("now", 44)))

    assert {P0: Position(47, "now")} == source(consumer).rewind({P0: Position(47, "now")})


def test_where_the_store_may_lack_more_than_it_says_the_lower_of_both_counts():
    notes = {number: RecordingConsumer(note=str(CommitMetadata("now", number))) for number in (44, 48)}

    found = {
        number: source(consumer).rewind({P0: Position(47, "now")}, unsure={P0}) for number, consumer in notes.items()
    }

    assert {44: {P0: Position(44, "now")}, 48: {P0: Position(47, "now")}} == found


def test_offsets_of_another_life_of_the_topic_stop_the_worker():
    with pytest.raises(LedgerError, match="another one of the same name"):
        source(RecordingConsumer(note=str(CommitMetadata("before", 44)))).rewind({})


def test_the_membership_is_that_of_the_assignment_and_not_of_the_moment():
    consumer = RecordingConsumer()
    stream = source(consumer)
    stream.rewind({})
    consumer.generation = -1  # what the client makes of it when it has lost its session

    assert 3 == stream.membership.group.generation_id
    assert {P0: 50} == stream.membership.committed


def test_where_a_transaction_commits_the_fence_commits_nothing_and_asks_the_broker_for_a_sign_of_life():
    consumer = RecordingConsumer()
    stream = source(consumer, commits=False)
    stream.rewind({P0: Position(30, "now")})

    stream.fence()

    assert ([], 1) == (consumer.commits, consumer.asked)


def test_no_sign_of_life_is_asked_of_a_partition_that_is_set_aside():
    """Nobody could give it: the worker would wait, and take the broker for away."""
    consumer, stream, _ = two_partitions(leader=-1)
    stream.commits = False
    stream.rewind({})

    stream.fence()

    assert [[OTHER]] == consumer.asked_for


def test_messages_that_expired_unread_are_counted_in_the_log_and_the_stream_goes_on():
    consumer = RecordingConsumer(first=80)

    with structlog.testing.capture_logs() as lines:
        starts = source(consumer).rewind({})

    assert {P0: Position(80, "now")} == starts
    assert ("error", 30, "in/0") == (lines[0]["log_level"], lines[0]["lost_at_most"], lines[0]["partition"])


def complaining(consumer, complaint):
    """A source that was told by a poll that its position is none."""
    stream = source(consumer)
    stream.rewind({})
    consumer.complaint = complaint
    assert stream.poll(max_records=10, timeout_seconds=0).reassigned
    return stream


def test_a_committed_offset_beyond_the_end_of_the_topic_stops_the_worker():
    stream = complaining(RecordingConsumer(end=4), OffsetOutOfRangeError({TP: 50}))

    with pytest.raises(LedgerError, match="beyond the end of the topic, 4"):
        stream.rewind({})


def test_a_position_that_retention_has_overtaken_is_not_taken_for_one_beyond_the_end():
    consumer = RecordingConsumer()
    stream = complaining(consumer, OffsetOutOfRangeError({TP: 30}))  # it was reading again what nobody had learned
    consumer.first = 40

    assert {P0: Position(40, "now")} == stream.rewind({P0: Position(30, "now")})


@pytest.mark.parametrize(("divergent", "named"), [(OffsetAndMetadata(45, "", 2), "from 45 on"), (None, "from 0 on")])
def test_answered_messages_that_the_brokers_lost_stop_the_worker(divergent, named):
    stream = complaining(RecordingConsumer(), LogTruncationError({TP: divergent}))

    with pytest.raises(LedgerError, match=named):
        stream.rewind({})


def test_a_log_that_is_truncated_behind_what_was_answered_is_read_on():
    stream = complaining(RecordingConsumer(), LogTruncationError({TP: OffsetAndMetadata(50, "", 2)}))

    assert {P0: Position(50, "now")} == stream.rewind({})


def test_what_is_committed_names_the_epoch_of_the_message_before_it():
    consumer = RecordingConsumer()
    stream = source(consumer)
    stream.rewind({})
    consumer.fetched = {TP: messages(50)}
    stream.poll(max_records=10, timeout_seconds=0)

    stream.commit({P0: 51})

    assert 7 == consumer.epoch_committed
    assert {P0: 7} == stream.membership.epochs


def test_a_partition_is_sought_with_the_epoch_that_was_committed_so_that_a_truncated_log_is_noticed():
    consumer = RecordingConsumer(epoch=7)

    source(consumer).rewind({})

    assert 7 == consumer.epoch_sought


def test_a_start_that_retention_has_moved_has_no_epoch():
    consumer = RecordingConsumer(first=80, epoch=7)

    source(consumer).rewind({})

    assert (80, -1, -1) == (consumer.sought, consumer.epoch_sought, consumer.epoch_committed)


def test_a_partition_that_is_read_again_has_no_epoch_there():
    consumer = RecordingConsumer(epoch=7)

    source(consumer).rewind({P0: Position(30, "now")})

    assert (30, -1) == (consumer.sought, consumer.epoch_sought)


def polls_until_reassigned(stream):
    for count in range(1, 100):
        if stream.poll(max_records=10, timeout_seconds=0).reassigned:
            return count
    return None


def test_a_topic_that_stays_shorter_than_the_committed_offset_stops_the_worker_where_the_broker_says_nothing():
    stream = source(RecordingConsumer(end=4))
    stream.rewind({})

    assert POLLS_BEYOND_END == polls_until_reassigned(stream)
    with pytest.raises(LedgerError, match="beyond the end"):
        stream.rewind({})


@pytest.mark.parametrize("end", [None, 50, 60])
def test_an_idle_topic_is_not_taken_for_a_lost_one(end):
    stream = source(RecordingConsumer(end=end))
    stream.rewind({})

    assert polls_until_reassigned(stream) is None


def test_a_high_watermark_that_lags_for_a_moment_is_no_loss():
    consumer = RecordingConsumer(end=40)
    stream = source(consumer)
    stream.rewind({})
    for _ in range(POLLS_BEYOND_END - 1):
        stream.poll(max_records=10, timeout_seconds=0)
    consumer.end = 50
    stream.poll(max_records=10, timeout_seconds=0)
    consumer.end = 40

    assert POLLS_BEYOND_END == polls_until_reassigned(stream)


def test_whoever_works_for_long_tells_the_client_that_would_leave_the_group():
    told = []
    consumer = SimpleNamespace(_coordinator=SimpleNamespace(heartbeat=SimpleNamespace(poll=lambda: told.append(1))))
    stream = source(RecordingConsumer())
    stream._consumer = consumer

    stream.working()

    assert [1] == told


def test_the_fence_commits_what_is_committed_already():
    consumer = RecordingConsumer()
    stream = source(consumer)
    stream.rewind({})

    stream.fence()

    assert [50] == consumer.commits


def test_a_fence_in_another_generation_asks_nobody_and_refuses():
    consumer = RecordingConsumer()
    stream = source(consumer)
    stream.rewind({})
    consumer.generation = 4

    with pytest.raises(OwnershipLost):
        stream.fence()

    assert [] == consumer.commits


class SteppedConsumer(RecordingConsumer):
    """Hands out one prepared answer per poll, as a consumer that fetched it ahead."""

    def __init__(self, *answers):
        super().__init__()
        self.answers, self.asked = list(answers), []

    def poll(self, timeout_ms, max_records):
        self.asked.append(max_records)
        found = self.answers.pop(0) if self.answers else []
        return {TP: found} if found else {}


def messages(*offsets):
    return [
        SimpleNamespace(
            topic="in",
            partition=0,
            offset=n,
            key=None,
            value=b"v",
            headers=[],
            timestamp=1,
            timestamp_type=0,
            leader_epoch=7,
        )
        for n in offsets
    ]


def test_what_came_while_the_last_batch_was_worked_on_is_read_with_what_was_fetched_before_it():
    consumer = SteppedConsumer(messages(50, 51), messages(52))

    polled = source(consumer).poll(max_records=10, timeout_seconds=1)

    assert [50, 51, 52] == [record.offset for record in polled.records]
    assert [10, 8] == consumer.asked


@pytest.mark.parametrize(("end", "polls"), [(53, None), (52, POLLS_BEYOND_END)], ids=["to the end", "beyond it"])
def test_what_was_read_to_the_end_is_not_beyond_it_and_one_message_less_is(end, polls):
    consumer = SteppedConsumer(messages(50, 51, 52))
    stream = source(consumer)
    stream.rewind({})
    consumer.end = end
    stream.poll(max_records=3, timeout_seconds=0)

    found = polls_until_reassigned(stream)

    assert (polls is None) == (found is None)


@pytest.mark.parametrize(
    ("end", "client", "lag"),
    [
        (60, 53, 7),
        (53, 53, 0),
        (60, 58, 2),  # behind the ends of transactions
        (60, 51, 7),  # the client tells of what it was asked for last
        (52, 53, 0),
    ],
)
def test_the_lag_is_what_lies_behind_the_last_message_and_the_ends_of_transactions(end, client, lag):
    consumer = SteppedConsumer(messages(50, 51, 52))
    stream = source(consumer)
    stream.rewind({})
    consumer.end, consumer.sought = end, client

    assert {P0: lag} == stream.poll(max_records=3, timeout_seconds=0).lag


def test_no_lag_is_told_of_a_partition_of_which_no_end_is_known():
    consumer = SteppedConsumer(messages(50))
    stream = source(consumer)
    stream.rewind({})
    consumer.end = None

    assert {} == stream.poll(max_records=1, timeout_seconds=0).lag


def test_a_position_that_is_out_of_range_is_begun_with_again_and_stops_the_worker_if_it_stays_so():
    consumer = RecordingConsumer()
    stream = source(consumer)
    stream.rewind({})
    consumer.poll = lambda **_: (_ for _ in ()).throw(OffsetOutOfRangeError({TP: 50}))

    assert stream.poll(max_records=1, timeout_seconds=0).reassigned
    assert {TP} == stream._out_of_range


def test_without_room_the_partitions_are_paused_and_resumed_when_there_is_some():
    consumer = RecordingConsumer()
    stream = source(consumer)
    stream.rewind({})

    stream.poll(max_records=0, timeout_seconds=0)
    paused = set(consumer.paused)
    stream.poll(max_records=1, timeout_seconds=0)

    assert ({TP}, set()) == (paused, consumer.paused)


@pytest.mark.parametrize("first", [messages(*range(50, 60)), []], ids=["full", "empty"])
def test_nobody_looks_twice_for_more_than_was_wanted_or_after_nothing(first):
    consumer = SteppedConsumer(first, messages(60))

    source(consumer).poll(max_records=10, timeout_seconds=1)

    assert [10] == consumer.asked


OTHER = TopicPartition("in", 1)


def two_partitions(**parts):
    """Two partitions are assigned; of the first the fields of the consumer tell."""
    clock = ManualClock(0.0)
    consumer = RecordingConsumer(elsewhere=(OTHER,), **parts)
    made = source(consumer, clock=clock, partitions=2)
    return consumer, made, clock


def test_a_partition_without_a_leader_is_left_out_and_the_others_start():
    consumer, stream, _ = two_partitions(leader=-1)

    assert {Partition("in", 1): Position(50, "now")} == stream.rewind({})
    assert TP in consumer.paused
    assert {P0: "it has no leader"} == stream.poll(max_records=10, timeout_seconds=0).aside


def test_a_leader_that_goes_while_offsets_are_asked_for_is_waited_for():
    """The library then asks for those that have one, and misses the answer for the other."""
    consumer, stream, _ = two_partitions()
    consumer.beginning_offsets = lambda partitions, **_: {tp: {OTHER: 0}[tp] for tp in partitions}

    with pytest.raises(BrokerUnavailable, match="LeaderNotAvailable"):
        stream.rewind({})


def test_a_partition_whose_leader_is_back_is_begun_with_again_by_itself():
    consumer, stream, clock = two_partitions(leader=-1)
    stream.rewind({})
    consumer.leader = 2
    before = stream.poll(max_records=10, timeout_seconds=0).reassigned
    clock.advance(NO_LEADER_SECONDS)

    polled = stream.poll(max_records=10, timeout_seconds=0)

    assert (False, True, {}) == (before, polled.reassigned, polled.aside)
    assert {P0, Partition("in", 1)} == set(stream.rewind({}))
    assert set() == consumer.paused


def test_a_partition_that_the_sink_cannot_serve_is_left_out_for_a_while():
    _, stream, clock = two_partitions()
    stream.rewind({})

    stream.set_aside([P0], reason="no place")
    begun_without = (stream.poll(max_records=10, timeout_seconds=0).reassigned, set(stream.rewind({})))
    clock.advance(NO_LEADER_SECONDS)
    begun_with = (stream.poll(max_records=10, timeout_seconds=0).reassigned, set(stream.rewind({})))

    assert (True, {Partition("in", 1)}) == begun_without
    assert (True, {P0, Partition("in", 1)}) == begun_with


def test_what_ails_a_partition_is_said_once_however_often_it_is_tried():
    _, stream, clock = two_partitions(leader=-1)

    with structlog.testing.capture_logs() as lines:
        for _ in range(3):
            stream.rewind({})
            clock.advance(NO_LEADER_SECONDS)
            stream.poll(max_records=10, timeout_seconds=0)

    assert ["in/0"] == [line["partition"] for line in lines if line["log_level"] == "error"]


class UnreadableConsumer(RecordingConsumer):
    """Fails in the middle of a fetched batch, as the library does."""

    broken = True

    def poll(self, timeout_ms, max_records):
        if self.broken:
            self._fetcher = SimpleNamespace(_next_partition_records=SimpleNamespace(topic_partition=TP))
            list(Fetcher.PartitionRecords._unpack_records(SimpleNamespace(), TP, _Broken(), None, None))
        return {}


class _Broken:
    def next_batch(self):
        raise ValueError("not a batch")


def test_a_partition_whose_records_cannot_be_read_is_left_out_and_named():
    consumer = UnreadableConsumer()
    clock = ManualClock(0.0)
    stream = source(consumer, clock=clock)
    stream.rewind({})

    polled = stream.poll(max_records=10, timeout_seconds=0)
    consumer.broken = False

    assert polled.reassigned
    assert "from offset 50 on it cannot be read (ValueError)" == polled.aside[P0]
    assert {} == stream.rewind({})
    clock.advance(UNREADABLE_SECONDS)
    stream.poll(max_records=10, timeout_seconds=0)
    assert {P0} == set(stream.rewind({}))


def test_an_error_from_elsewhere_is_no_unreadable_record():
    consumer = RecordingConsumer()
    consumer._fetcher = SimpleNamespace(_next_partition_records=SimpleNamespace(topic_partition=TP))
    consumer.poll = lambda **_: (_ for _ in ()).throw(KafkaConnectionError("gone"))

    with pytest.raises(BrokerUnavailable):
        source(consumer).poll(max_records=10, timeout_seconds=0)
