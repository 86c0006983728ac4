"""The timestamps that answers are sent with."""

import time

import pytest
from kafka.errors import InvalidTimestampError, TopicAuthorizationFailedError

from tests.unit.worker.connectors.kafka.producer.sinks import RecordingProducer, answer, bare_sink, hand_over
from textsieve.worker.connectors.kafka.producer.sending import Stamp, send_all
from textsieve.worker.connectors.kafka.topics.timestamps import Bounds, Timestamps
from textsieve.worker.errors import ConfigurationError

NOW = 1_800_000_000_000


def stamp(timestamps: Timestamps) -> Stamp:
    return Stamp("host-1", "1", {}, lambda: 7, timestamps)


def send(producer: RecordingProducer, topic: str, timestamps: Timestamps) -> int:
    """The timestamp of one answer to a message that had none."""
    send_all(producer, topic, [answer(1)], stamp(timestamps), deadline=time.monotonic() + 1)
    return producer.sent[-1]["timestamp_ms"]


def test_an_answer_is_sent_with_the_timestamp_that_its_topic_takes() -> None:
    timestamps = Timestamps({"labels": Bounds(before_ms=1000)}, lambda: NOW)

    assert (NOW, 0) == (send(RecordingProducer(), "labels", timestamps), send(RecordingProducer(), "other", timestamps))


def test_a_timestamp_that_was_refused_is_not_sent_again() -> None:
    timestamps = Timestamps({}, lambda: NOW)
    with pytest.raises(InvalidTimestampError):
        send(RecordingProducer(fails={"labels": InvalidTimestampError()}), "labels", timestamps)

    assert NOW == send(RecordingProducer(), "labels", timestamps)


def test_a_right_that_is_taken_away_on_the_way_is_no_broker_that_is_away() -> None:
    sink = bare_sink(RecordingProducer(fails={"labels": TopicAuthorizationFailedError()}))

    with pytest.raises(ConfigurationError, match=r"docs/security\.md"):
        hand_over(sink, results=[answer(1)])
