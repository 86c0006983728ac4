"""For how long a sick partition is left alone, and when it counts as well."""

import pytest
import structlog
from kafka import TopicPartition

from textsieve.worker.connectors.kafka.consumer.paused_partitions import CALM_SECONDS, MAX_SECONDS, PausedPartitions
from textsieve.worker.testing import ManualClock

TP, OTHER = TopicPartition("in", 0), TopicPartition("in", 1)


@pytest.fixture
def clock():
    return ManualClock(0.0)


@pytest.fixture
def aside(clock):
    return PausedPartitions(structlog.stdlib.get_logger("test"), clock)


def seconds_out(aside, clock):
    began = clock()
    while not aside.has_returned():
        clock.advance(1.0)
    return clock() - began


def test_every_try_in_vain_doubles_the_time_up_to_a_bound(aside, clock):
    waits = []
    for _ in range(6):
        aside.add([TP], reason="no leader", seconds=5.0)
        waits.append(seconds_out(aside, clock))

    assert [5.0, 10.0, *[MAX_SECONDS] * 4] == waits


def test_a_partition_that_is_read_again_is_well_only_when_its_answers_had_time_to_fail(aside, clock):
    aside.add([TP], reason="no leader", seconds=5.0)
    seconds_out(aside, clock)

    with structlog.testing.capture_logs() as lines:
        aside.well([TP])
        at_once = len(lines)
        clock.advance(CALM_SECONDS)
        aside.well([OTHER])
        aside.well([TP])
        aside.well([TP])

    assert (0, 1) == (at_once, len(lines))
    aside.add([TP], reason="no leader", seconds=5.0)
    assert 5.0 == seconds_out(aside, clock)


def test_what_belongs_to_somebody_else_is_forgotten(aside):
    aside.add([TP, OTHER], reason="no leader", seconds=5.0)

    aside.keep([OTHER])

    assert {OTHER} == aside.partitions


def test_another_reason_is_news(aside):
    with structlog.testing.capture_logs() as lines:
        for reason in ("no leader", "no leader", "cannot be read"):
            aside.add([TP], reason=reason, seconds=5.0)

    assert ["no leader", "cannot be read"] == [line["reason"] for line in lines]
