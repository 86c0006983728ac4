"""The order and the fate of sends without transactions, over a producer that only takes notes."""

from types import SimpleNamespace

import pytest
from kafka.errors import KafkaTimeoutError, MessageSizeTooLargeError

from tests.unit.worker.connectors.kafka.producer.sinks import (
    SOURCE,
    RecordingFactory,
    RecordingProducer,
    Sender,
    answer,
    bare_sink,
    hand_over,
)
from textsieve.worker.connectors.kafka.producer import sending
from textsieve.worker.connectors.kafka.producer import sink as sinks
from textsieve.worker.connectors.kafka.producer.sending import ProducerFactory
from textsieve.worker.connectors.kafka.producer.sink import ABANDON_SECONDS
from textsieve.worker.errors import BrokerUnavailable, PartitionUnavailable, PublishFailed
from textsieve.worker.records import Partition, Position
from textsieve.worker.settings import KafkaSettings, OutputSettings
from textsieve.worker.streams import Published
from textsieve.worker.testing import ManualClock


def test_dead_letters_are_acked_before_any_result_is_sent():
    producer = RecordingProducer()

    hand_over(bare_sink(producer), results=[answer(1), answer(2)], dead_letters=[answer(0)])

    assert ["send dead-letters", "flush", "send labels", "send labels", "flush"] == producer.notes


def test_an_answer_goes_to_the_partition_of_its_message_and_says_who_wrote_it():
    producer = RecordingProducer()

    hand_over(bare_sink(producer), results=[answer(1)])

    headers = dict(producer.sent[0]["headers"])
    assert 2 == producer.sent[0]["partition"]
    assert (b"host-1", b"7", b"uuid") == tuple(headers["textsieve." + n] for n in ("worker", "generation", "topic-id"))


@pytest.mark.parametrize("error", [KafkaTimeoutError(), MessageSizeTooLargeError()])
def test_a_send_of_unknown_fate_is_not_repeated_and_its_producer_is_let_go(error):
    producer = RecordingProducer(fails={"dead-letters": error})
    publishing = bare_sink(producer)

    with pytest.raises(PublishFailed):
        hand_over(publishing, results=[answer(1)], dead_letters=[answer(0)])

    assert ["send dead-letters", "flush", "close"] == producer.notes
    assert producer._sender.closed
    assert publishing._producer is None


def test_the_ledger_is_not_read_while_an_abandoned_producer_may_still_send():
    publishing = bare_sink(RecordingProducer(fails={"labels": KafkaTimeoutError()}, _sender=Sender(ends=False)))
    with pytest.raises(PublishFailed):
        hand_over(publishing, results=[answer(1)])

    with pytest.raises(BrokerUnavailable, match="abandoned"):
        publishing.recover({Partition("in", 2): (0, "uuid")})


class Log:
    """A topic of answers that holds some."""

    def __init__(self, *offsets):
        self.offsets, self.asked = set(offsets), []

    def read(self, starts):
        self.asked.append(dict(starts))
        return dict.fromkeys(starts, self.offsets)


def recovering_sink(**parts):
    made = bare_sink(RecordingProducer(), **parts)
    made._results, made._dead_letters = Log(4, 6), Log(5)
    return made


def test_results_and_dead_letters_are_read_back_apart():
    sink, starts = recovering_sink(), {SOURCE: Position(4, "uuid")}

    assert {SOURCE: Published({4, 6}, {5})} == sink.recover(starts)
    assert ([starts], [starts]) == (sink._results.asked, sink._dead_letters.asked)


def test_without_partitions_no_log_is_read():
    sink = recovering_sink()

    assert {} == sink.recover({})
    assert [] == sink._results.asked + sink._dead_letters.asked


def test_each_log_is_read_from_its_own_topic():
    settings = KafkaSettings(output_topic="a", dead_letter_topic="b")
    sink = bare_sink(producers=ProducerFactory(settings, OutputSettings(), 3.0))

    assert [("a", settings), ("b", settings)] == [
        (reader.topic, reader.kafka) for reader in (sink._results, sink._dead_letters)
    ]


def test_an_abandoned_producer_is_waited_for_a_second_at_most_and_forgotten_once_it_has_ended(monkeypatch):
    clock = ManualClock(100.0)
    monkeypatch.setattr(sinks, "time", SimpleNamespace(monotonic=clock))
    slow, quick = PatientSender(clock, seconds=0.4), PatientSender(clock, seconds=0.0)
    sink = recovering_sink(_abandoned=[slow, quick])

    sink.recover({})
    sink.recover({})

    assert ([ABANDON_SECONDS], [pytest.approx(ABANDON_SECONDS - 0.4)]) == (slow.patience, quick.patience)


class PatientSender(Sender):
    """Ends when it has been waited for."""

    def __init__(self, clock, *, seconds):
        super().__init__()
        self.clock, self.seconds, self.patience = clock, seconds, []

    def join(self, timeout):
        self.patience.append(timeout)
        self.clock.advance(self.seconds)


def test_a_producer_is_opened_before_the_first_batch_needs_it():
    sink = recovering_sink()
    sink._producer = None
    sink.producers = RecordingFactory([RecordingProducer()])

    sink.recover({SOURCE: Position(4, "uuid")})

    assert sink._producer is sink.producers.prepared[0]


def test_nothing_is_sent_when_the_fence_took_all_the_time():
    producer = RecordingProducer()

    with pytest.raises(PublishFailed, match="no time"):
        hand_over(bare_sink(producer), results=[answer(1)], timeout_seconds=0.0)

    assert [] == producer.sent


def test_a_worker_with_small_batches_looks_as_deep_as_one_with_the_usual_ones():
    sink = bare_sink()

    assert (1_000, 1_000) == (sink._results.batch, sink._dead_letters.batch)


def test_a_producer_waits_for_all_replicas_and_drops_what_it_sent_twice(monkeypatch):
    monkeypatch.setattr(sending, "KafkaProducer", lambda **options: options)

    options = ProducerFactory(KafkaSettings(), OutputSettings(), 3.0).open()

    assert ("all", True) == (options["acks"], options["enable_idempotence"])
    assert options["delivery_timeout_ms"] == options["max_block_ms"] == 3000
    assert options["request_timeout_ms"] + options["linger_ms"] < options["delivery_timeout_ms"]


def test_answers_without_a_place_are_refused_before_any_is_sent():
    producer = RecordingProducer(leaderless={("labels", 2)})

    with pytest.raises(PartitionUnavailable) as refused:
        hand_over(bare_sink(producer), results=[answer(1)])

    assert {Partition("in", 2)} == refused.value.partitions
    assert [] == producer.sent
