"""The order and the fate of sends, over a producer that only takes notes."""

from dataclasses import dataclass, field

import pytest
from kafka.errors import KafkaTimeoutError, MessageSizeTooLargeError

from tests.unit.worker.connectors.kafka.sinks import bare_sink
from worker.connectors.kafka.producers import Connection, SharedProducer
from worker.errors import BrokerUnavailable, PublishFailed
from worker.records import Outgoing, Partition


@dataclass
class Future:
    topic: str
    notes: list[str]
    error: Exception | None

    def succeeded(self):
        return self.error is None

    def get(self, timeout):
        raise self.error


@dataclass
class Sender:
    """The thread of a producer."""

    ends: bool = True

    def force_close(self):
        pass

    def join(self, timeout):
        pass

    def is_alive(self):
        return not self.ends


@dataclass
class NotingProducer:
    notes: list[str] = field(default_factory=list)
    sent: list[dict] = field(default_factory=list)
    fails: dict[str, Exception] = field(default_factory=dict)  # topic -> what its acks raise
    _sender: Sender = field(default_factory=Sender)

    def send(self, topic, **message):
        self.notes.append(f"send {topic}")
        self.sent.append({"topic": topic, **message})
        return Future(topic, self.notes, self.fails.get(topic))

    def flush(self, timeout):
        self.notes.append("flush")

    def close(self, timeout):
        self.notes.append("close")


def sink(producer):
    made = bare_sink(topic_ids={"in": "uuid"})
    made._producers = SharedProducer(Connection(made.kafka, made.output, made.publish_seconds), producer)
    return made


def answer(offset, partition=2):
    return Outgoing(Partition("in", partition), offset, None, b"{}", [("textsieve.source", b"in/2/%d" % offset)], -1)


def test_dead_letters_are_acked_before_any_result_is_sent():
    producer = NotingProducer()

    sink(producer).publish(results=[answer(1), answer(2)], dead_letters=[answer(0)], timeout_seconds=1)

    assert ["send dead-letters", "flush", "send labels", "send labels", "flush"] == producer.notes


def test_an_answer_goes_to_the_partition_of_its_message_and_says_who_wrote_it():
    producer = NotingProducer()

    sink(producer).publish(results=[answer(1)], dead_letters=[], timeout_seconds=1)

    headers = dict(producer.sent[0]["headers"])
    assert 2 == producer.sent[0]["partition"]
    assert (b"host-1", b"7", b"uuid") == tuple(headers["textsieve." + n] for n in ("worker", "generation", "topic-id"))


@pytest.mark.parametrize("error", [KafkaTimeoutError(), MessageSizeTooLargeError()])
def test_a_send_of_unknown_fate_is_not_repeated_and_its_producer_is_let_go(error):
    producer = NotingProducer(fails={"dead-letters": error})
    publishing = sink(producer)

    with pytest.raises(PublishFailed):
        publishing.publish(results=[answer(1)], dead_letters=[answer(0)], timeout_seconds=1)

    assert ["send dead-letters", "flush", "close"] == producer.notes
    assert [] == publishing._producers.release()


def test_the_ledger_is_not_read_while_an_abandoned_producer_may_still_send():
    producer = NotingProducer(fails={"labels": KafkaTimeoutError()}, _sender=Sender(ends=False))
    publishing = sink(producer)
    with pytest.raises(PublishFailed):
        publishing.publish(results=[answer(1)], dead_letters=[], timeout_seconds=1)

    with pytest.raises(BrokerUnavailable, match="abandoned"):
        publishing.recover({Partition("in", 2): (0, "uuid")})


def test_nothing_is_sent_when_the_fence_took_all_the_time():
    producer = NotingProducer()

    with pytest.raises(PublishFailed, match="no time"):
        sink(producer).publish(results=[answer(1)], dead_letters=[], timeout_seconds=0.0)

    assert [] == producer.sent


def test_a_worker_with_small_batches_looks_as_deep_as_one_with_the_usual_ones():
    assert (1_000, 1_000) == (sink(NotingProducer())._results.batch, sink(NotingProducer())._dead_letters.batch)
