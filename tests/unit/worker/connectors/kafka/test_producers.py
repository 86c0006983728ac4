"""One transactional id per partition: who opens, begins, commits and lets go of what."""

from dataclasses import dataclass, field

import pytest
from kafka.errors import KafkaError, KafkaTimeoutError, ProducerFencedError

from tests.unit.worker.connectors.kafka.sinks import bare_sink
from worker.connectors.kafka.producers import FencedProducers
from worker.connectors.kafka.sink import KafkaSink
from worker.errors import OwnershipLost, PublishFailed
from worker.records import Outgoing, Partition, Position
from worker.settings import KafkaSettings

ONE, TWO = Partition("in", 1), Partition("in", 2)


@dataclass
class Commit:
    """The library's promise of a transaction's end."""

    producer: "TransactionalProducer"

    def wait(self, timeout_ms):
        if self.producer.commit_fails:
            raise self.producer.commit_fails
        self.producer.note("committed" if self.producer.answers else "unanswered")
        return self.producer.answers


@dataclass
class Acked:
    error: Exception | None

    def succeeded(self):
        return self.error is None

    def get(self, timeout):
        raise self.error


@dataclass
class TransactionalProducer:
    """What FencedProducers touches of a KafkaProducer, and of its insides."""

    notes: list[str]
    options: dict
    answers: bool = True
    commit_fails: Exception | None = None
    send_fails: Exception | None = None

    @property
    def _transaction_manager(self):
        return self

    @property
    def _sender(self):
        return self

    def note(self, what):
        self.notes.append(f"{what} {self.options['transactional_id'][-1]}")

    def init_transactions(self):
        self.note("took over")

    def begin_transaction(self):
        self.note("began")

    def send(self, topic, **_):
        self.note(f"sent {topic}")
        return Acked(self.send_fails)

    def flush(self, timeout):
        pass

    def begin_commit(self):
        self.note("commits")
        return Commit(self)

    def wakeup(self):
        pass

    def force_close(self):
        self.note("cut")

    def join(self, timeout):
        pass

    def is_alive(self):
        return False

    def close(self, timeout):
        self.note("closed")


@dataclass
class Connection:
    """Opens producers that write into one list of notes."""

    kafka: KafkaSettings = field(default_factory=KafkaSettings)
    publish_seconds: float = 3.0
    notes: list[str] = field(default_factory=list)
    made: list[TransactionalProducer] = field(default_factory=list)

    def producer(self, **options):
        self.made.append(TransactionalProducer(self.notes, options))
        return self.made[-1]


@pytest.fixture
def connection() -> Connection:
    return Connection()


def fenced_sink(connection: Connection) -> KafkaSink:
    sink = bare_sink(kafka=connection.kafka, fencing="producer")
    sink._producers = FencedProducers(connection)
    sink._producers.open([ONE, TWO])
    connection.notes.clear()
    return sink


def answer(source: Partition, offset: int = 0) -> Outgoing:
    return Outgoing(source, offset, None, b"{}", [], -1)


def test_every_partition_has_an_id_of_its_own_that_names_the_group(connection):
    FencedProducers(connection).open([TWO, ONE])

    assert ["textsieve/in/1", "textsieve/in/2"] == [made.options["transactional_id"] for made in connection.made]
    assert ["took over 1", "took over 2"] == connection.notes


def test_an_id_is_taken_over_anew_at_every_opening_or_a_transaction_of_somebody_in_between_stays_open(connection):
    producers = FencedProducers(connection)
    producers.open([ONE])

    producers.open([ONE, TWO])

    assert ["took over 1", "closed 1", "took over 1", "took over 2"] == connection.notes


def test_ids_are_taken_over_before_the_ledger_is_read(connection):
    sink = fenced_sink(connection)
    sink._results = sink._dead_letters = Reader(connection.notes)

    sink.recover({Partition("in", 3): Position(0, "")})

    assert ["took over 3", "read", "read"] == connection.notes[-3:]


@dataclass
class Reader:
    notes: list[str]

    def read(self, starts):
        self.notes.append("read")
        return {source: set() for source in starts}


def test_a_batch_is_one_transaction_for_each_of_its_partitions_and_all_are_committed_together(connection):
    sink = fenced_sink(connection)

    sink.publish(results=[answer(ONE), answer(ONE, 1)], dead_letters=[answer(ONE, 2)], timeout_seconds=1)
    sink.publish(results=[answer(TWO)], dead_letters=[], timeout_seconds=1)

    first = ["began 1", "sent dead-letters 1", "sent labels 1", "sent labels 1", "commits 1", "committed 1"]
    assert [*first, "began 2", "sent labels 2", "commits 2", "committed 2"] == connection.notes


def test_a_commit_that_is_not_answered_in_time_is_of_unknown_fate(connection):
    sink = fenced_sink(connection)
    connection.made[0].answers = False

    with pytest.raises(PublishFailed, match="transaction in time") as failed:
        sink.publish(results=[answer(ONE), answer(TWO)], dead_letters=[], timeout_seconds=1)

    assert "timeout" == failed.value.reason
    assert {"cut 1", "cut 2"} <= set(connection.notes)
    assert [] == sink._producers.release()


@pytest.mark.parametrize(
    "error", [ProducerFencedError(), KafkaError("an earlier request has failed", ProducerFencedError())]
)
@pytest.mark.parametrize("at", ["send_fails", "commit_fails"])
def test_a_producer_that_was_fenced_means_that_the_partition_is_somebody_elses(connection, at, error):
    sink = fenced_sink(connection)
    setattr(connection.made[0], at, error)

    with pytest.raises(OwnershipLost, match="taken over"):
        sink.publish(results=[answer(ONE)], dead_letters=[], timeout_seconds=1)

    assert [] == sink._producers.release()


def test_another_failure_is_no_loss_of_ownership(connection):
    sink = fenced_sink(connection)
    connection.made[0].send_fails = KafkaTimeoutError()

    with pytest.raises(PublishFailed):
        sink.publish(results=[answer(ONE)], dead_letters=[], timeout_seconds=1)


@pytest.mark.parametrize(
    ("preset", "fencing", "isolation"),
    [
        ("embedded", "group", "read_uncommitted"),
        ("embedded", "producer", "read_committed"),
        ("kafka", "group", "read_committed"),
    ],
)
def test_what_was_aborted_is_no_answer_where_the_broker_hides_it(preset, fencing, isolation):
    sink = bare_sink(kafka=KafkaSettings(preset=preset), fencing=fencing)

    assert isolation == sink._results.options["isolation_level"] == sink._dead_letters.options["isolation_level"]
