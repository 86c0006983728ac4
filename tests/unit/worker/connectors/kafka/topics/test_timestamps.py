"""An answer has its message's timestamp where the topic takes and keeps it, else the present."""

import pytest

from tests.unit.worker.connectors.kafka.topics.clusters import OUTPUT, topic
from textsieve.worker.connectors.kafka.topics.description import Topic
from textsieve.worker.connectors.kafka.topics.timestamps import DAY_MS, MARGIN_MS, Bounds, Timestamps, bounds_of

NOW = 1_800_000_000_000
FOREVER = str(2**63 - 1)


def fitting(timestamp_ms: int, **configs: str) -> int:
    timestamps = Timestamps({OUTPUT: bounds_of(topic(OUTPUT, **configs))}, lambda: NOW)
    return timestamps.fitting(OUTPUT, timestamp_ms)


@pytest.mark.parametrize("age_ms", [0, 1, DAY_MS, 3 * DAY_MS, -1000])
def test_a_timestamp_that_is_kept_for_half_of_the_retention_stays(age_ms: int) -> None:
    assert NOW - age_ms == fitting(NOW - age_ms)


@pytest.mark.parametrize("timestamp_ms", [NOW - 4 * DAY_MS, NOW - 8 * DAY_MS, 1000, 0, -1])
def test_a_timestamp_by_which_the_topic_would_soon_delete_the_answer_becomes_the_present(timestamp_ms: int) -> None:
    assert NOW == fitting(timestamp_ms)


@pytest.mark.parametrize("timestamp_ms", [1000, NOW + DAY_MS])
def test_a_topic_that_keeps_everything_takes_every_timestamp(timestamp_ms: int) -> None:
    assert timestamp_ms == fitting(timestamp_ms, retention_ms="-1")


def test_without_a_timestamp_a_topic_that_keeps_everything_gets_zero() -> None:
    assert 0 == fitting(-1, retention_ms="-1")


@pytest.mark.parametrize("option", ["message_timestamp_before_max_ms", "message_timestamp_difference_max_ms"])
def test_a_timestamp_older_than_the_broker_takes_becomes_the_present(option: str) -> None:
    limits = {"retention_ms": "-1", option: str(DAY_MS)}

    assert NOW - DAY_MS + MARGIN_MS == fitting(NOW - DAY_MS + MARGIN_MS, **limits)
    assert NOW == fitting(NOW - DAY_MS, **limits)


@pytest.mark.parametrize("option", ["message_timestamp_after_max_ms", "message_timestamp_difference_max_ms"])
def test_a_timestamp_further_ahead_than_the_broker_takes_becomes_the_present(option: str) -> None:
    limits = {option: str(DAY_MS)}

    assert NOW + DAY_MS - MARGIN_MS == fitting(NOW + DAY_MS - MARGIN_MS, **limits)
    assert NOW == fitting(NOW + DAY_MS, **limits)


def test_limits_of_forever_limit_nothing() -> None:
    limits = {"message_timestamp_before_max_ms": FOREVER, "message_timestamp_after_max_ms": FOREVER}

    assert 1000 == fitting(1000, retention_ms="-1", **limits)


def test_a_limit_shorter_than_the_margin_takes_the_present_alone() -> None:
    assert NOW == fitting(NOW - 1, message_timestamp_before_max_ms="1")


def test_a_topic_that_stamps_by_itself_gets_what_there_is() -> None:
    assert 1000 == fitting(1000, message_timestamp_type="LogAppendTime", retention_ms="1000")


def test_a_topic_of_which_nothing_is_known_is_thought_to_have_the_brokers_defaults() -> None:
    assert Bounds(before_ms=7 * DAY_MS // 2) == bounds_of(Topic(OUTPUT, "", 1, 1))


def test_a_topic_that_nobody_described_takes_everything() -> None:
    assert 1000 == Timestamps({}, lambda: NOW).fitting(OUTPUT, 1000)


def test_after_a_refusal_that_topic_gets_the_present_and_others_do_not() -> None:
    timestamps = Timestamps({}, lambda: NOW)

    timestamps.refused(OUTPUT)

    assert (NOW, 1000) == (timestamps.fitting(OUTPUT, 1000), timestamps.fitting("dead-letters", 1000))
