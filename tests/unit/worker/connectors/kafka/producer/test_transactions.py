"""What becomes of a transaction, over producers that only take notes."""

import threading
from dataclasses import replace

import pytest
from kafka import TopicPartition
from kafka.errors import (
    CommitFailedError,
    KafkaError,
    KafkaTimeoutError,
    OutOfOrderSequenceNumberError,
    ProducerFencedError,
    TopicAuthorizationFailedError,
    UnknownMemberIdError,
)
from kafka.structs import ConsumerGroupMetadata, MemberState

from tests.unit.worker.connectors.kafka.producer.sinks import (
    SOURCE,
    STAMP,
    RecordingFactory,
    RecordingProducer,
    answer,
    hand_over,
)
from textsieve.worker.connectors.kafka.group.commit_metadata import CommitMetadata
from textsieve.worker.connectors.kafka.group.member import Membership
from textsieve.worker.connectors.kafka.producer.transactions import TransactionalSink
from textsieve.worker.errors import (
    BrokerUnavailable,
    ConfigurationError,
    OwnershipLost,
    PartitionUnavailable,
    PublishFailed,
)
from textsieve.worker.records import Position, Progress
from textsieve.worker.streams import Published

MEMBER = ConsumerGroupMetadata("group", 5, "member-1", None, MemberState.STABLE)
NOBODY = ConsumerGroupMetadata("group")  # what the client says after it lost its session


def sink(*prepared, group=MEMBER, committed=None, publish_seconds=3.0):
    factory = RecordingFactory(list(prepared) or [RecordingProducer()], publish_seconds=publish_seconds)
    made = TransactionalSink(factory, STAMP, "group-host-1", lambda: Membership(group, committed or {}))
    made._dead_letters = Log({})
    return made


class Log:
    """A dead-letter topic that holds letters for some offsets."""

    def __init__(self, letters):
        self.letters, self.asked = letters, []

    def read(self, starts):
        self.asked.append(dict(starts))
        return {source: self.letters.get(source, set()) for source in starts}

    def close(self):
        pass


def test_a_batch_is_one_transaction_that_ends_with_the_offsets():
    producer = RecordingProducer()
    publishing = sink(producer)

    hand_over(publishing, results=[answer(1)], dead_letters=[answer(0)])
    publishing.settle()

    steps = ["init", "begin", "send dead-letters", "flush", "send labels", "flush", "offsets", "commit"]
    assert steps == producer.notes


def test_the_offsets_carry_the_life_of_the_topic_and_what_the_clusters_have_learned():
    producer = RecordingProducer()
    publishing = sink(producer)

    hand_over(publishing, results=[answer(1)])
    publishing.settle()

    ((offsets, group),) = producer.offsets
    assert {TopicPartition(*SOURCE): 10} == {partition: offset.offset for partition, offset in offsets.items()}
    assert CommitMetadata("uuid", 4) == CommitMetadata.read(offsets[TopicPartition(*SOURCE)].metadata)
    assert group is MEMBER


def test_what_is_only_read_again_does_not_set_the_group_back():
    producer = RecordingProducer()
    publishing = sink(producer, committed={SOURCE: 12})

    hand_over(publishing)
    publishing.settle()

    ((offsets, _),) = producer.offsets
    assert 12 == offsets[TopicPartition(*SOURCE)].offset
    assert CommitMetadata("uuid", 4) == CommitMetadata.read(offsets[TopicPartition(*SOURCE)].metadata)
    assert -1 == offsets[TopicPartition(*SOURCE)].leader_epoch


def test_answers_name_the_generation_in_which_they_are_committed():
    """The thread of the transaction sends them while the source may already know of the next one."""
    producer = RecordingProducer()
    publishing = sink(producer)
    publishing.stamp = replace(STAMP, generation=lambda: -1)

    hand_over(publishing, results=[answer(1)])
    publishing.settle()

    assert b"5" == dict(producer.sent[0]["headers"])["textsieve.generation"]


def test_a_batch_without_answers_commits_its_offsets_all_the_same():
    producer = RecordingProducer()
    publishing = sink(producer)

    hand_over(publishing)
    publishing.settle()

    assert ["init", "begin", "offsets", "commit"] == producer.notes


def test_handing_over_does_not_wait_for_the_transaction():
    held = threading.Event()
    producer = RecordingProducer(holds={"commit": held})
    publishing = sink(producer)

    hand_over(publishing, results=[answer(1)])
    handed_over = list(producer.notes)
    held.set()
    publishing.settle()

    assert "commit" not in handed_over
    assert "commit" == producer.notes[-1]


def test_nobody_publishes_without_a_place_in_the_group():
    producer = RecordingProducer()

    with pytest.raises(OwnershipLost, match="not in the consumer group"):
        hand_over(sink(producer, group=NOBODY), results=[answer(1)])

    assert [] == producer.notes


@pytest.mark.parametrize(
    ("at", "error", "expected"),
    [
        ("offsets", CommitFailedError(), OwnershipLost),
        ("offsets", UnknownMemberIdError(), OwnershipLost),
        ("commit", ProducerFencedError(), OwnershipLost),
        ("labels", KafkaError("an earlier request has failed", ProducerFencedError()), OwnershipLost),
        ("labels", TopicAuthorizationFailedError(), ConfigurationError),
        ("labels", KafkaTimeoutError(), PublishFailed),
        ("labels", OutOfOrderSequenceNumberError(), PublishFailed),
        ("commit", KafkaError("something else"), PublishFailed),
    ],
)
def test_a_transaction_that_failed_is_given_up_with_its_producer(at, error, expected):
    failing, successor = RecordingProducer(fails={at: error}), RecordingProducer()
    publishing = sink(failing, successor)
    hand_over(publishing, results=[answer(1)])

    with pytest.raises(expected):
        publishing.settle()
    publishing.recover({SOURCE: Position(0, "uuid")})

    assert failing._sender.closed
    assert ["init"] == successor.notes


def test_a_failed_send_is_never_committed():
    producer = RecordingProducer(fails={"labels": KafkaTimeoutError()})
    publishing = sink(producer)
    hand_over(publishing, results=[answer(1)])

    with pytest.raises(PublishFailed):
        publishing.settle()

    assert {"offsets", "commit"}.isdisjoint(producer.notes)


def test_a_transaction_that_does_not_end_in_time_is_of_unknown_fate():
    held = threading.Event()
    producer = RecordingProducer(holds={"offsets": held})
    publishing = sink(producer)
    hand_over(publishing, results=[answer(1)], timeout_seconds=0.5)

    with pytest.raises(PublishFailed, match="in time") as failed:
        publishing.settle()
    held.set()

    assert "timeout" == failed.value.reason
    assert producer._sender.closed


def test_a_successor_of_a_producer_takes_the_same_id_so_that_the_broker_ends_what_was_begun():
    publishing = sink(RecordingProducer(fails={"commit": KafkaTimeoutError()}), RecordingProducer())
    hand_over(publishing)
    with pytest.raises(PublishFailed):
        publishing.settle()

    publishing.recover({SOURCE: Position(0, "uuid")})

    assert ["group-host-1"] * 2 == [options["transactional_id"] for options in publishing.producers.options]


def test_a_transaction_that_was_given_up_is_ended_before_the_committed_offsets_are_asked_for():
    """They are not told before: the loop settles once more before it asks."""
    successor = RecordingProducer()
    publishing = sink(RecordingProducer(fails={"commit": KafkaTimeoutError()}), successor)
    hand_over(publishing)
    with pytest.raises(PublishFailed):
        publishing.settle()

    publishing.settle()
    publishing.settle()

    assert ["init"] == successor.notes


def test_a_transaction_that_was_given_up_is_ended_when_the_worker_stops():
    successor = RecordingProducer()
    publishing = sink(RecordingProducer(fails={"commit": KafkaTimeoutError()}), successor)
    hand_over(publishing)
    with pytest.raises(PublishFailed):
        publishing.settle()

    publishing.close(timeout_seconds=1.0)

    assert ["init", "close"] == successor.notes


def test_a_worker_that_stops_in_the_middle_of_a_transaction_lets_go_of_it_and_ends_it():
    held, successor = RecordingProducer(holds={"commit": threading.Event()}), RecordingProducer()
    publishing = sink(held, successor)
    hand_over(publishing)

    publishing.close(timeout_seconds=1.0)
    held.holds["commit"].set()

    assert held._sender.closed
    assert ["init", "close"] == successor.notes


@pytest.mark.parametrize(
    "error", [KafkaError("x"), OSError("x"), ProducerFencedError("x"), TopicAuthorizationFailedError("x")]
)
def test_a_worker_that_stops_does_not_fail_for_a_broker_that_is_away(error):
    publishing = sink(
        RecordingProducer(fails={"commit": KafkaTimeoutError()}), RecordingProducer(fails={"init": error})
    )
    hand_over(publishing)
    with pytest.raises(PublishFailed):
        publishing.settle()

    publishing.close(timeout_seconds=1.0)

    assert publishing._producer.client is None


def test_the_broker_ends_a_transaction_whose_worker_is_gone_as_soon_as_its_time_is_over():
    publishing = sink(publish_seconds=2.5)

    publishing.recover({SOURCE: Position(0, "uuid")})

    assert 2500 == publishing.producers.options[0]["transaction_timeout_ms"]


def test_everything_below_the_committed_offset_is_answered():
    publishing = sink(committed={SOURCE: 10})
    publishing._dead_letters = log = Log({SOURCE: {8, 12}})

    found = publishing.recover({SOURCE: Position(6, "uuid")})

    assert {SOURCE: Published({6, 7, 9}, {8})} == found
    assert [{SOURCE: Position(6, "uuid")}] == log.asked


def test_where_the_clusters_know_all_that_is_committed_no_log_is_read():
    publishing = sink(committed={SOURCE: 10})
    publishing._dead_letters = log = Log({})

    assert {SOURCE: Published()} == publishing.recover({SOURCE: Position(10, "uuid")})
    assert [] == log.asked


@pytest.mark.parametrize("topic", ["labels", "dead-letters"])
def test_answers_without_a_place_are_refused_before_anything_is_begun(topic):
    producer = RecordingProducer(leaderless={(topic, 2)})
    publishing = sink(producer)

    with pytest.raises(PartitionUnavailable) as refused:
        hand_over(publishing, results=[answer(1), answer(1, partition=3)], progress={SOURCE: Progress(2, 0)})

    assert {SOURCE} == refused.value.partitions
    assert ["init", "asks"] == producer.notes


def test_a_partition_that_lost_its_leader_under_way_is_named():
    producer = RecordingProducer(fails={"labels": KafkaTimeoutError()})
    publishing = sink(producer)
    hand_over(publishing, results=[answer(1)])
    producer.leaderless.add(("labels", 2))

    with pytest.raises(PartitionUnavailable) as refused:
        publishing.settle()

    assert {SOURCE} == refused.value.partitions


def test_an_id_that_cannot_be_taken_again_is_left_to_the_broker():
    """As when its last transaction has touched a partition that nobody leads."""
    stuck = RecordingProducer(fails={"init": KafkaTimeoutError()})
    publishing = sink(RecordingProducer(fails={"commit": KafkaTimeoutError()}), stuck, RecordingProducer())
    hand_over(publishing)
    with pytest.raises(PublishFailed):
        publishing.settle()
    with pytest.raises(BrokerUnavailable):
        publishing.recover({SOURCE: Position(0, "uuid")})

    publishing.recover({SOURCE: Position(0, "uuid")})

    ids = [options["transactional_id"] for options in publishing.producers.options]
    assert ["group-host-1", "group-host-1", "group-host-1-1"] == ids
    assert stuck._sender.closed


def test_a_stop_does_not_wait_for_brokers_that_are_away_beyond_its_time():
    publishing = sink(RecordingProducer(fails={"commit": KafkaTimeoutError()}), RecordingProducer())
    hand_over(publishing)
    with pytest.raises(PublishFailed):
        publishing.settle()

    publishing.close(timeout_seconds=3.0)

    assert 1500 == publishing.producers.options[-1]["bootstrap_timeout_ms"]
    assert 1500 == publishing.producers.prepared[-1].limits["init"]


def test_a_producer_comes_from_the_factory_that_the_sink_has_when_it_opens_one():
    """Chaos runs put a factory with fault points in place of the one the sink was built with."""
    made, producer = sink(), RecordingProducer()
    made.producers = RecordingFactory([producer])

    made.recover({SOURCE: Position(0, "uuid")})

    assert ["init"] == producer.notes
