"""Tombstones that are skipped go by like other messages: nothing is lost, repeated or learned for them."""

from collections import Counter
from functools import partial

import pytest

from textsieve.worker.settings import InputSettings, Settings
from textsieve.worker.testing import MemoryCentroidStore, MemoryLog

TEXTS = [f'{{"text": "word{i % 7} word{i % 5} message {i}"}}'.encode() for i in range(30)]
MIXED = [None, *TEXTS[:9], None, None, *TEXTS[9:21], b"not json", *[None] * 25, *TEXTS[21:], None]
TOMBSTONES = MIXED.count(None)


@pytest.fixture
def skipping(make_worker):
    return partial(make_worker, settings=Settings(input=InputSettings(tombstones="skip")))


def count(worker, name, **labels):
    return worker.metrics.registry.get_sample_value(f"textsieve_{name}", labels)


def assert_exactly_once(log, store):
    given = Counter((answer.source, answer.offset) for answer in [*log.results, *log.dead_letters])
    due = {(p, r.offset): 1 for p, records in log.records.items() for r in records if r.value is not None}
    assert due == given
    assert len(TEXTS) == store.snapshot.learned == store.snapshot.counts.sum()


@pytest.mark.parametrize("partitions", [1, 3])
def test_everything_else_is_answered_once_and_every_offset_goes_by(skipping, partitions):
    log, store = MemoryLog.of("in", MIXED, partitions=partitions), MemoryCentroidStore()

    skipping(log, store).drain()

    assert_exactly_once(log, store)
    assert {p: len(records) for p, records in log.records.items()} == log.committed


def test_they_are_counted_as_skipped_and_as_nothing_else(skipping):
    log = MemoryLog.of("in", MIXED)
    worker = skipping(log, MemoryCentroidStore())

    worker.drain()

    assert len(MIXED) == count(worker, "consumed_messages_total", topic="in")
    assert {"skipped": TOMBSTONES, "ok": len(TEXTS), "dead_letter": 1, "already_published": 0, "dropped": 0} == {
        outcome: count(worker, "processed_messages_total", outcome=outcome)
        for outcome in ("skipped", "ok", "dead_letter", "already_published", "dropped")
    }
    assert 0 == count(worker, "dead_letter_messages_total", reason="null_value")


@pytest.mark.parametrize("turns_before", range(1, 9))
def test_a_worker_that_is_killed_among_them_is_succeeded_exactly_once(skipping, turns_before):
    log, store = MemoryLog.of("in", MIXED, partitions=2), MemoryCentroidStore()
    skipping(log, store).turns(turns_before)
    log.generation += 1

    skipping(log, store).drain()

    assert_exactly_once(log, store)


def test_a_topic_of_nothing_else_is_read_to_its_end(skipping):
    log = MemoryLog.of("in", [None] * 25)

    skipping(log, MemoryCentroidStore()).drain()

    assert ([], [], [25]) == (log.results, log.dead_letters, list(log.committed.values()))


def test_many_in_a_row_are_no_bad_deploy(skipping):
    log = MemoryLog.of("in", MIXED)
    worker = skipping(log, MemoryCentroidStore())
    worker.loop.dead_letter_limit.max_consecutive = 2

    worker.drain()

    assert 1 == len(log.dead_letters)


def test_unless_they_are_asked_to_be_skipped_they_are_dead_letters(make_worker):
    log = MemoryLog.of("in", MIXED)

    make_worker(log).drain()

    assert TOMBSTONES + 1 == len(log.dead_letters)
