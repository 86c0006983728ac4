"""What every Source and Sink do, asked of those in memory and of Kafka's."""

import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Literal

import pytest
import structlog
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient, MemberToRemove, NewTopic
from kafka.structs import ConsumerGroupMetadata, OffsetAndMetadata

from tests.services import BROKERS, KAFKA, brokers
from textsieve.kafka_client.reading import polls_to_end
from textsieve.worker.connectors.kafka import (
    KafkaSink,
    KafkaSource,
    ProducerFactory,
    Stamp,
    TransactionalSink,
    prepare_topics,
)
from textsieve.worker.connectors.kafka.group.commit_metadata import CommitMetadata
from textsieve.worker.connectors.kafka.producer.sending import abandon
from textsieve.worker.connectors.kafka.topics.preparation import Topics
from textsieve.worker.errors import BrokerUnavailable, OwnershipLost, PublishFailed
from textsieve.worker.headers import source_header
from textsieve.worker.records import Header, Outgoing, Partition, Position, Progress, Record
from textsieve.worker.settings import DeliverySettings, KafkaSettings, OutputSettings
from textsieve.worker.streams import Poll, Published, Sink, Source
from textsieve.worker.testing import TOPIC_ID, MemoryLog, MemorySink, MemorySource, MemoryTransactionalSink

PARTITIONS = 2
PATIENCE_SECONDS = 60.0  # for a group to settle on a busy machine
PUBLISH_SECONDS = 30.0
ABANDONED_SECONDS = 10.0  # after which the broker ends a transaction that nobody ends; no step may take as long
NOW_MS = time.time_ns() // 1_000_000  # brokers soon delete what claims to be old
BATCH = 20  # messages of an iteration, small, so that a log of moderate size is many of them

# what the input holds, partition by partition
INPUT: dict[int, list[tuple[bytes | None, bytes | None, tuple[Header, ...]]]] = {
    0: [
        (b"k0", b"v0", (("trace", b"\x00\xff"), ("trace", b""))),
        (None, b"v1", ()),
        (b"k2", None, ()),
        (b"", b"", ()),
        (b"k4", b"\xff" * 1000, ()),
    ],
    1: [(None, b"w%d" % number, ()) for number in range(3)],
}


@dataclass(frozen=True)
class Landed:
    """An answer as it stands in its log."""

    partition: int
    key: bytes | None
    value: bytes | None
    headers: tuple[Header, ...]


class MemoryStreams:
    """The contract's stage in memory."""

    def __init__(self, *, transactional: bool = False) -> None:
        self.transactional = transactional
        self.log = MemoryLog({Partition("in", number): [] for number in range(PARTITIONS)})
        self.topic, self.topic_id = "in", TOPIC_ID

    def send(self, partition: int, key: bytes | None, value: bytes | None, headers: Sequence[Header]) -> None:
        self.log.append(Partition("in", partition), value, key=key, timestamp_ms=NOW_MS, headers=headers)

    def source(self) -> Source:
        self.log.generation += 1
        self.member = MemorySource(self.log)
        return self.member

    def give_away(self, source: Source) -> None:
        """The group moves on without telling its member."""
        del source
        self.log.generation += 1

    def sink(self) -> Sink:
        if not self.transactional:
            return MemorySink(self.log)
        poll_until_joined(self.source())
        return MemoryTransactionalSink(self.log, self.member)

    def landed(self, *, dead_letters: bool = False) -> list[Landed]:
        found = self.log.dead_letters if dead_letters else self.log.results
        return [Landed(m.source.partition, m.key, m.value, tuple(m.headers)) for m in found]

    def close(self) -> None:
        """Nothing is held."""


@dataclass
class KafkaStreams:
    """The contract's stage on a broker: topics and a group of its own."""

    broker: str
    preset: Literal["kafka", "embedded"] = "embedded"
    transactional: bool = False
    topic: str = field(default_factory=lambda: f"in-{uuid.uuid4().hex[:12]}")
    member: KafkaSource | None = None
    resources: ExitStack = field(default_factory=ExitStack)

    def __post_init__(self) -> None:
        admin = KafkaAdminClient(bootstrap_servers=self.broker)
        admin.create_topics([NewTopic(self.topic, num_partitions=PARTITIONS, replication_factor=-1)])
        admin.wait_for_topics([self.topic])
        admin.close()
        self.topics: Topics = prepare_topics(self.settings(), OutputSettings(), DeliverySettings())

    @property
    def topic_id(self) -> str:
        return self.topics.ids[self.topic]

    def settings(self, **options: object) -> KafkaSettings:
        return KafkaSettings(
            bootstrap_servers=tuple(self.broker.split(",")),
            preset=self.preset,
            session_timeout_ms=6000,
            input_topics=(self.topic,),
            output_topic=f"{self.topic}-labels",
            dead_letter_topic=f"{self.topic}-dead-letters",
            group_id=f"{self.topic}-group",
            **options,
        )

    def send(self, partition: int, key: bytes | None, value: bytes | None, headers: Sequence[Header]) -> None:
        producer = KafkaProducer(bootstrap_servers=self.broker)
        producer.send(self.topic, value, key=key, headers=list(headers), partition=partition, timestamp_ms=NOW_MS).get(
            timeout=60
        )
        producer.close(timeout=5)

    def source(self) -> KafkaSource:
        log = structlog.stdlib.get_logger("test")
        source = KafkaSource(
            self.settings(), self.topics.partitions, self.topics.ids, 1000, log, commits=not self.transactional
        )
        self.resources.callback(source.close, timeout_seconds=2.0)
        self.member = source
        return source

    def give_away(self, source: KafkaSource) -> None:
        """The coordinator forgets a member, as it does with one that was silent for a session."""
        group = self.settings().group_id
        member = MemberToRemove(member_id=source._consumer.group_metadata().member_id)
        admin = KafkaAdminClient(bootstrap_servers=self.broker)
        admin.remove_group_members(group, [member])
        admin.close()

    def sink(
        self, *, topic_id: str | None = None, publish_seconds: float = PUBLISH_SECONDS, **options: object
    ) -> KafkaSink | TransactionalSink:
        producers = ProducerFactory(self.settings(**options), OutputSettings(), publish_seconds)
        topic_ids = self.topics.ids if topic_id is None else {self.topic: topic_id}
        stamp = Stamp("worker-1", "1.2.3", topic_ids, lambda: 7)
        sink: KafkaSink | TransactionalSink
        if self.transactional:
            member = self.member or self.source()
            if not member.membership.is_member:
                poll_until_joined(member)
                member.rewind({})
            sink = TransactionalSink(producers, stamp, f"{self.topic}-{uuid.uuid4().hex}", lambda: member.membership)
        else:
            sink = KafkaSink(producers, stamp, BATCH)
        self.resources.callback(sink.close, timeout_seconds=2.0)
        return sink

    def landed(self, *, dead_letters: bool = False) -> list[Landed]:
        settings = self.settings()
        topic = settings.dead_letter_topic if dead_letters else settings.output_topic
        consumer = KafkaConsumer(
            bootstrap_servers=self.broker,
            group_id=None,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            enable_incremental_fetch_sessions=False,
        )
        logs = [TopicPartition(topic, number) for number in range(PARTITIONS)]
        found: list[Landed] = []
        for messages in polls_to_end(consumer, logs, poll_ms=200):
            found.extend(Landed(m.partition, m.key, m.value, tuple(m.headers)) for m in messages)
        consumer.close()
        return found

    def close(self) -> None:
        self.resources.close()


Streams = MemoryStreams | KafkaStreams


@dataclass(frozen=True)
class Joining:
    """What a member of a new group saw, from its first poll until it had a place."""

    polls: list[Poll]
    starts: dict[Partition, Position]
    again: dict[Partition, Position]  # of a second rewind
    source: Source


def open_streams(kind: str, request: pytest.FixtureRequest) -> Streams:
    """Memory, the embedded broker or Apache Kafka, with transactions where the name says so."""
    where, _, guarantee = kind.partition(", ")
    transactional = guarantee == "exactly_once"
    if where == "memory":
        return MemoryStreams(transactional=transactional)
    found = brokers(where, request)
    return KafkaStreams(found.bootstrap_servers, found.preset, transactional)


AT_LEAST_ONCE = ["memory", *BROKERS]
EXACTLY_ONCE = ["memory, exactly_once", f"{KAFKA}, exactly_once"]


@pytest.fixture(scope="module", params=AT_LEAST_ONCE)
def streams(request: pytest.FixtureRequest) -> Iterator[Streams]:
    """A stage with the messages of INPUT, for all tests that read it."""
    found = open_streams(request.param, request)
    for partition, messages in INPUT.items():
        for key, value, headers in messages:
            found.send(partition, key, value, headers)
    yield found
    found.close()


@pytest.fixture(scope="module")
def joining(streams: Streams) -> Joining:
    """Joining takes seconds, so one member serves all tests that only read."""
    source = streams.source()
    polls = poll_until_joined(source)
    return Joining(polls, dict(source.rewind({})), dict(source.rewind({})), source)


@pytest.fixture
def source(streams: Streams, joining: Joining) -> Source:
    """The shared member, back at the start of everything."""
    floor = {Partition(streams.topic, number): Position(0, streams.topic_id) for number in INPUT}
    joining.source.rewind(floor)
    joining.source.commit(dict.fromkeys(floor, 0))
    return joining.source


@pytest.fixture(params=AT_LEAST_ONCE + EXACTLY_ONCE)
def answers(request: pytest.FixtureRequest) -> Iterator[Streams]:
    """A stage for one test that publishes."""
    found = open_streams(request.param, request)
    yield found
    found.close()


@pytest.fixture(params=AT_LEAST_ONCE)
def reading_back(request: pytest.FixtureRequest) -> Iterator[Streams]:
    """A stage for one test of what is read back, without transactions."""
    found = open_streams(request.param, request)
    yield found
    found.close()


@pytest.fixture(params=BROKERS)
def ledger(request: pytest.FixtureRequest) -> Iterator[KafkaStreams]:
    """A broker whose output is read back."""
    found = open_streams(request.param, request)
    yield found
    found.close()


@pytest.fixture
def transactions(request: pytest.FixtureRequest) -> Iterator[KafkaStreams]:
    """Apache Kafka, with transactions."""
    found = open_streams(f"{KAFKA}, exactly_once", request)
    yield found
    found.close()


def poll_until_joined(source: Source) -> list[Poll]:
    """Polls of a member up to the one after which it may begin."""
    polls: list[Poll] = []
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (polls and polls[-1].reassigned and polls[-1].joined and owns_partitions(source)):
        assert time.monotonic() < deadline, polls[-3:]
        polls.append(source.poll(max_records=100, timeout_seconds=0.2))
    return polls


def owns_partitions(source: Source) -> bool:
    """A member may get a place before its client knows the topic (seen on 3.9): it joins once more when it does."""
    return not isinstance(source, KafkaSource) or bool(source._consumer.assignment())


def read(source: Source, *, count: int, max_records: int = 100) -> list[Record]:
    """So many records, in as many polls as it takes."""
    records: list[Record] = []
    deadline = time.monotonic() + PATIENCE_SECONDS
    while len(records) < count:
        assert time.monotonic() < deadline, records
        poll = source.poll(max_records=max_records, timeout_seconds=0.2)
        assert not poll.reassigned
        assert len(poll.records) <= max_records
        records.extend(poll.records)
    return records


def everything(source: Source) -> list[Record]:
    return read(source, count=sum(map(len, INPUT.values())))


def offsets(records: Sequence[Record]) -> dict[int, list[int]]:
    return {number: [r.offset for r in records if r.partition == number] for number in INPUT}


def answer(streams: Streams, partition: int, offset: int, *, topic: str | None = None, **parts: object) -> Outgoing:
    record = Record(topic or streams.topic, partition, offset, None, None, NOW_MS)
    parts = {"key": b"k", "value": b"v%d" % offset, "headers": [source_header(record)], **parts}
    return Outgoing(record.source, offset, timestamp_ms=NOW_MS, **parts)


def publish(sink: Sink, results: Sequence[Outgoing], dead_letters: Sequence[Outgoing] = ()) -> None:
    """Hand a batch over and wait until it counts; where its partitions stand behind it follows from its answers."""
    progress: dict[Partition, Progress] = {}
    for message in (*results, *dead_letters):
        stands = max(message.offset + 1, progress.get(message.source, Progress(0, 0)).offset)
        progress[message.source] = Progress(stands, stands)
    sink.publish(results=results, dead_letters=dead_letters, progress=progress, timeout_seconds=PUBLISH_SECONDS)
    sink.settle()


def starts(streams: Streams, *starting: int) -> dict[Partition, Position]:
    return {Partition(streams.topic, n): Position(offset, streams.topic_id) for n, offset in enumerate(starting)}


def recover(streams: Streams, *starting: int) -> dict[int, Published]:
    """What a new sink finds at or after these offsets of partition 0, 1, ..."""
    sink = streams.sink()
    if isinstance(streams, KafkaStreams) and streams.member is not None:
        streams.member.rewind({})  # as the loop does: it says what the group has committed
    found = sink.recover(starts(streams, *starting))
    return {partition.partition: published for partition, published in found.items()}


# reading


def test_the_poll_that_brings_a_place_says_reassigned_and_has_no_records(joining):
    first = joining.polls[-1]

    assert (True, True, []) == (first.reassigned, first.joined, list(first.records))


def test_before_a_member_has_a_place_nothing_is_handed_on(joining):
    assert [] == [record for poll in joining.polls for record in poll.records]


def test_a_new_group_starts_at_the_beginning_of_every_partition(streams, joining):
    assert starts(streams, 0, 0) == joining.starts == joining.again


def test_records_come_in_offset_order_with_key_value_headers_and_timestamp(streams, source):
    records = everything(source)

    for partition, messages in INPUT.items():
        expected = [
            Record(streams.topic, partition, offset, key, value, NOW_MS, headers)
            for offset, (key, value, headers) in enumerate(messages)
        ]
        assert expected == [record for record in records if record.partition == partition]


def test_no_poll_brings_more_than_asked_for(source):
    records = read(source, count=8, max_records=3)

    assert {0: [0, 1, 2, 3, 4], 1: [0, 1, 2]} == offsets(records)


def test_a_poll_for_nothing_reads_nothing_and_skips_nothing(source):
    before = read(source, count=3, max_records=3)
    paused = [source.poll(max_records=0, timeout_seconds=0.1) for _ in range(3)]

    after = read(source, count=5)

    assert [((), True)] * 3 == [(tuple(poll.records), poll.joined) for poll in paused]
    assert {0: [0, 1, 2, 3, 4], 1: [0, 1, 2]} == offsets(before + after)


def test_lag_is_what_was_not_read_yet(streams, source):
    everything(source)

    lag = source.poll(max_records=100, timeout_seconds=0.1).lag

    assert {Partition(streams.topic, 0): 0, Partition(streams.topic, 1): 0} == lag


def test_a_rewound_source_reads_again_what_was_not_committed(source):
    everything(source)

    source.rewind({})

    assert {0: [0, 1, 2, 3, 4], 1: [0, 1, 2]} == offsets(everything(source))


def test_a_rewind_goes_back_to_what_was_committed(streams, source):
    everything(source)
    source.commit({Partition(streams.topic, 0): 4, Partition(streams.topic, 1): 3})

    found = source.rewind({})

    assert starts(streams, 4, 3) == found
    assert {0: [4], 1: []} == offsets(read(source, count=1))


def test_a_floor_below_what_was_committed_is_read_again(streams, source):
    source.commit({Partition(streams.topic, 0): 4, Partition(streams.topic, 1): 3})

    found = source.rewind(starts(streams, 2))

    assert starts(streams, 2, 3) == found
    assert {0: [2, 3, 4], 1: []} == offsets(read(source, count=3))


def test_a_floor_far_below_is_read_again_no_further_back_than_is_allowed(streams, source):
    source.commit({Partition(streams.topic, 0): 4, Partition(streams.topic, 1): 3})
    source.max_reread = 5  # of two partitions: 2 each
    found = source.rewind(starts(streams, 0, 0))
    source.max_reread = None

    assert starts(streams, 2, 1) == found


def test_a_floor_above_what_was_committed_skips_nothing(streams, source):
    source.commit({Partition(streams.topic, 0): 1, Partition(streams.topic, 1): 1})

    assert starts(streams, 1, 1) == source.rewind(starts(streams, 5, 3))


def test_a_floor_of_another_life_of_the_topic_is_ignored(streams, source):
    source.commit({Partition(streams.topic, 0): 4, Partition(streams.topic, 1): 3})

    found = source.rewind({Partition(streams.topic, 0): Position(1, "another-life")})

    assert starts(streams, 4, 3) == found


def test_the_owner_passes_the_fence_and_nothing_moves(streams, source):
    source.commit({Partition(streams.topic, 0): 2, Partition(streams.topic, 1): 1})
    source.rewind({})
    read(source, count=5)

    source.fence()

    assert starts(streams, 2, 1) == source.rewind({})


def test_a_new_member_starts_where_the_last_one_committed(answers):
    for number in range(4):
        answers.send(0, None, b"v%d" % number, ())
    first = answers.source()
    poll_until_joined(first)
    first.rewind({})
    read(first, count=4)
    first.commit({Partition(answers.topic, 0): 3})
    answers.close()

    second = answers.source()
    poll_until_joined(second)

    assert starts(answers, 3, 0) == second.rewind({})
    assert [3] == [record.offset for record in read(second, count=1)]


@pytest.mark.parametrize("act", ["fence", "commit"])
def test_a_member_whose_group_moved_on_is_refused_and_told_to_begin_again(reading_back, act):
    reading_back.send(0, None, b"v0", ())
    member = reading_back.source()
    poll_until_joined(member)
    member.rewind({})
    read(member, count=1)
    reading_back.give_away(member)

    with pytest.raises(OwnershipLost):
        member.fence() if act == "fence" else member.commit({Partition(reading_back.topic, 0): 1})

    assert poll_until_joined(member)[-1].reassigned
    assert starts(reading_back, 0, 0) == member.rewind({})


# publishing


def test_answers_land_in_the_partition_of_their_input_in_order(answers):
    publish(answers.sink(), [answer(answers, partition, offset) for offset in range(5) for partition in (1, 0)])

    landed = answers.landed()
    for partition in (0, 1):
        assert [b"v0", b"v1", b"v2", b"v3", b"v4"] == [found.value for found in landed if found.partition == partition]


def test_an_answer_keeps_key_value_and_headers(answers):
    headers = [("trace", b"\x00\xff"), ("trace", b""), ("textsieve.source", f"{answers.topic}/1/7".encode())]

    publish(answers.sink(), [answer(answers, 1, 7, key=b"\xfe", value=b"\xff", headers=headers)])

    (found,) = answers.landed()
    assert (1, b"\xfe", b"\xff", tuple(headers)) == (found.partition, found.key, found.value, found.headers[:3])


def test_a_dead_letter_may_lack_its_key_or_its_value(answers):
    letters = [answer(answers, 0, 0, key=b"k", value=None), answer(answers, 0, 1, key=None, value=b"")]

    publish(answers.sink(), [], letters)

    landed = answers.landed(dead_letters=True)
    assert [(b"k", None), (None, b"")] == [(found.key, found.value) for found in landed]


def test_results_and_dead_letters_land_apart(answers):
    publish(answers.sink(), [answer(answers, 0, 1)], [answer(answers, 0, 0)])

    assert [[b"v1"], [b"v0"]] == [
        [found.value for found in answers.landed(dead_letters=wanted)] for wanted in (False, True)
    ]


@pytest.mark.parametrize("left", [0.0, -1.0])
def test_with_no_time_left_nothing_is_sent(answers, left):
    sink = answers.sink()

    with pytest.raises(PublishFailed):
        sink.publish(
            results=[answer(answers, 0, 0)], dead_letters=[answer(answers, 0, 1)], progress={}, timeout_seconds=left
        )

    assert ([], []) == (answers.landed(), answers.landed(dead_letters=True))


def test_a_batch_without_answers_needs_no_time(reading_back):
    reading_back.sink().publish(results=[], dead_letters=[], progress={}, timeout_seconds=0.0)

    assert [] == reading_back.landed()


# reading back


def test_nothing_is_found_in_empty_logs(answers):
    assert {0: Published(), 1: Published()} == recover(answers, 0, 0)


def test_nothing_is_looked_for_without_partitions(answers):
    assert {} == recover(answers)


def test_what_was_answered_at_or_after_the_start_is_found(answers):
    publish(answers.sink(), [answer(answers, partition, offset) for partition in (0, 1) for offset in range(6)])

    assert {0: Published({4, 5}), 1: Published({0, 1, 2, 3, 4, 5})} == recover(answers, 4, 0)


def test_dead_letters_are_found_apart_from_results(answers):
    publish(
        answers.sink(), [answer(answers, 0, 1), answer(answers, 0, 3)], [answer(answers, 0, 0), answer(answers, 0, 2)]
    )

    assert {0: Published({1, 3}, {2})} == recover(answers, 1)


def test_a_hole_that_was_filled_later_is_found(reading_back):
    sink = reading_back.sink()
    publish(sink, [answer(reading_back, 0, offset) for offset in (0, 1, 3, 4)])
    publish(sink, [answer(reading_back, 0, 2)])

    assert {0: Published({1, 2, 3, 4})} == recover(reading_back, 1)


def test_a_sink_finds_what_it_published_itself_after_it_had_looked(reading_back):
    sink = reading_back.sink()
    sink.recover(starts(reading_back, 0))

    publish(sink, [answer(reading_back, 0, 0)])

    assert {Partition(reading_back.topic, 0): Published({0})} == sink.recover(starts(reading_back, 0))


def test_reading_back_to_another_topic_are_not_taken_for_ours(reading_back):
    publish(reading_back.sink(), [answer(reading_back, 0, 5, topic="another"), answer(reading_back, 0, 1)])

    assert {0: Published({1})} == recover(reading_back, 0)


# Kafka alone


def test_every_answer_says_who_wrote_it_and_when(ledger):
    publish(ledger.sink(), [answer(ledger, 0, 0)], [answer(ledger, 0, 1)])

    stamps = [
        {name: value.decode() for name, value in found.headers if name != "textsieve.source"}
        for found in (*ledger.landed(), *ledger.landed(dead_letters=True))
    ]
    assert [
        {
            "textsieve.worker": "worker-1",
            "textsieve.generation": "7",
            "textsieve.version": "1.2.3",
            "textsieve.topic-id": ledger.topic_id,
        }
    ] * 2 == stamps


def test_answers_to_another_life_of_the_topic_are_ignored(ledger):
    publish(ledger.sink(topic_id="former-life"), [answer(ledger, 0, offset) for offset in range(5)])
    publish(ledger.sink(), [answer(ledger, 0, 1)])

    assert {0: Published({1})} == recover(ledger, 0)


def test_messages_of_strangers_in_the_log_are_ignored(ledger):
    strangers = [[], [("textsieve.source", b"nonsense")], [("textsieve.source", b"\xff/0/x")], [("other", b"a/0/1")]]
    publish(ledger.sink(), [answer(ledger, 0, offset, headers=headers) for offset, headers in enumerate(strangers)])

    assert {0: Published()} == recover(ledger, 0)


@pytest.mark.parametrize("compression", ["none", "gzip", "snappy", "lz4", "zstd"])
def test_every_codec_can_be_written_and_read_back(ledger, compression):
    publish(
        ledger.sink(compression=compression), [answer(ledger, 0, offset, value=b"a" * 5000) for offset in range(10)]
    )

    assert {0: Published(set(range(10)))} == recover(ledger, 0)


def test_after_a_failed_publish_the_next_one_begins_afresh(ledger):
    sink = ledger.sink()
    with pytest.raises(PublishFailed):
        publish(sink, [answer(ledger, 0, 0, value=b"a" * 3_000_000)])

    publish(sink, [answer(ledger, 0, 1)])

    assert {0: Published({1})} == recover(ledger, 0)


def test_a_long_log_is_read_back_rightly_from_anywhere(ledger):
    """More than 10,000 answers; those of a quiet topic lie far behind those of a busy one."""
    quiet = "quiet"
    sink = ledger.sink()
    publish(sink, [answer(ledger, 0, offset, topic=quiet) for offset in range(BATCH * 3)])
    publish(sink, [answer(ledger, 0, offset) for offset in range(10_100)])

    reader = ledger.sink()
    found = [
        reader.recover({Partition(ledger.topic, 0): Position(start, ledger.topic_id)})[
            Partition(ledger.topic, 0)
        ].results
        for start in (0, 5000, 10_050, 10_100)
    ]
    behind = reader.recover({Partition(quiet, 0): Position(BATCH * 2, "")})[Partition(quiet, 0)].results

    assert [set(range(start, 10_100)) for start in (0, 5000, 10_050, 10_100)] == found
    assert set(range(BATCH * 2, BATCH * 3)) == behind


# transactions, on Apache Kafka alone


def member_of(streams: KafkaStreams) -> KafkaSource:
    """A member that has begun."""
    member = streams.source()
    poll_until_joined(member)
    member.rewind({})
    return member


def committed(streams: KafkaStreams) -> dict[int, OffsetAndMetadata]:
    admin = KafkaAdminClient(bootstrap_servers=streams.broker)
    group = streams.settings().group_id
    found = admin.list_group_offsets(group)[group]
    admin.close()
    return {partition.partition: offset for partition, offset in found.items()}


def test_answers_and_offsets_count_together(transactions):
    member_of(transactions)

    publish(transactions.sink(), [answer(transactions, 0, 0)], [answer(transactions, 0, 1)])

    assert 2 == committed(transactions)[0].offset
    assert ([b"v0"], [b"v1"]) == tuple(
        [found.value for found in transactions.landed(dead_letters=wanted)] for wanted in (False, True)
    )


def test_the_broker_keeps_what_is_noted_beside_an_offset(transactions):
    member = member_of(transactions)
    sink = transactions.sink()
    progress = {Partition(transactions.topic, 0): Progress(5, 2)}
    sink.publish(results=[], dead_letters=[], progress=progress, timeout_seconds=PUBLISH_SECONDS)
    sink.settle()

    assert CommitMetadata(transactions.topic_id, 2) == CommitMetadata.read(committed(transactions)[0].metadata)
    assert starts(transactions, 0, 0) == {
        **member.rewind({}),
        Partition(transactions.topic, 0): Position(0, transactions.topic_id),
    }


def test_a_member_that_the_group_has_forgotten_gets_nothing_through(transactions):
    member = member_of(transactions)
    sink = transactions.sink(publish_seconds=ABANDONED_SECONDS)
    transactions.give_away(member)

    with pytest.raises(OwnershipLost):
        publish(sink, [answer(transactions, 0, 0)])

    assert ([], 0) == (transactions.landed(), committed(transactions)[0].offset)


def test_a_member_that_has_forgotten_itself_gets_nothing_through_either(transactions):
    """Its client says "no member" by then, and from nobody this broker takes any offsets: the next test shows it."""
    member = member_of(transactions)
    sink = transactions.sink(publish_seconds=ABANDONED_SECONDS)
    transactions.give_away(member)
    member._consumer._coordinator.reset_generation()

    with pytest.raises(OwnershipLost):
        publish(sink, [answer(transactions, 0, 0)])

    assert ([], 0) == (transactions.landed(), committed(transactions)[0].offset)


def test_the_broker_takes_offsets_from_nobody_which_is_why_the_membership_is_kept(transactions):
    member_of(transactions)
    producer = KafkaProducer(bootstrap_servers=transactions.broker, transactional_id=f"{transactions.topic}-nobody")
    producer.init_transactions()
    producer.begin_transaction()
    offsets = {TopicPartition(transactions.topic, 0): OffsetAndMetadata(7, "", -1)}
    producer.send_offsets_to_transaction(offsets, ConsumerGroupMetadata(transactions.settings().group_id))
    producer.commit_transaction()
    producer.close(timeout=5)

    assert 7 == committed(transactions)[0].offset


def test_what_a_killed_worker_had_begun_counts_for_nobody(transactions):
    member = member_of(transactions)
    killed = transactions.sink(publish_seconds=ABANDONED_SECONDS)
    producer = killed._producer.open(killed.producers)
    producer.begin_transaction()
    producer.send(transactions.settings().output_topic, b"v0", partition=0).get(timeout=60)
    offsets = {TopicPartition(transactions.topic, 0): OffsetAndMetadata(1, "", -1)}
    producer.send_offsets_to_transaction(offsets, member.membership.group)
    abandon(producer)

    begin = time.monotonic()
    while True:  # the broker ends what nobody ends; until then it does not say what the group has committed
        try:
            found = member.rewind({})
            break
        except BrokerUnavailable:
            assert time.monotonic() - begin < PATIENCE_SECONDS
            member.working()  # a member that neither polls nor says so has left the group by then

    assert starts(transactions, 0, 0) == found
    assert [] == transactions.landed()


def test_a_worker_that_follows_its_own_transactions_has_no_lag(transactions):
    """A transaction's end takes an offset in every log that it touched; nobody reads it, and nobody waits for it."""
    feeder = KafkaProducer(bootstrap_servers=transactions.broker, transactional_id=f"{transactions.topic}-feeder")
    feeder.init_transactions()
    feeder.begin_transaction()
    for number in range(3):
        feeder.send(transactions.topic, b"v%d" % number, partition=0)
    feeder.commit_transaction()
    feeder.close(timeout=5)
    member = member_of(transactions)

    records = read(member, count=3)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (lag := member.poll(max_records=100, timeout_seconds=0.2).lag[Partition(transactions.topic, 0)]) > 0:
        assert time.monotonic() < deadline, lag

    assert [b"v0", b"v1", b"v2"] == [record.value for record in records]
