"""The mutants of workers whose batches are transactions do what they say."""

from benchmarks.chaos.mutants import Mutant, mutated
from benchmarks.chaos.transaction_mutants import FOR_EVER_SECONDS, MUTANTS, KeepsOffsets
from tests.unit.worker.connectors.kafka.producer.sinks import STAMP, RecordingFactory, RecordingProducer
from textsieve.worker import app
from textsieve.worker.connectors.kafka import TransactionalSink


def sink() -> TransactionalSink:
    return TransactionalSink(
        RecordingFactory([RecordingProducer()], publish_seconds=3.0), STAMP, "group-host-1", lambda: None
    )


def test_every_mutant_of_a_transaction_has_its_name():
    assert MUTANTS.keys() < {mutant.value for mutant in Mutant}


def test_workers_without_a_mutant_are_as_they_are():
    parts = app.Overrides()

    assert parts is mutated(Mutant.NONE, parts)


def test_without_a_watchdog_nothing_has_a_deadline():
    part = sink()

    mutated(Mutant.NO_WATCHDOG, app.Overrides()).sink(part)

    assert FOR_EVER_SECONDS == part.producers.publish_seconds


def test_offsets_outside_of_the_transaction_are_kept_for_later():
    producer, kept = RecordingProducer(), {}

    KeepsOffsets(producer, kept).send_offsets_to_transaction({"messages-0": 3}, None)

    assert ({"messages-0": 3}, []) == (kept, producer.offsets)
