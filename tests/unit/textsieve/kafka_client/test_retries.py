from typing import Any

import pytest
from kafka.errors import ClusterAuthorizationFailedError, KafkaConnectionError, KafkaTimeoutError

from textsieve.kafka_client import retries
from textsieve.kafka_client.retries import with_retries


@pytest.fixture(autouse=True)
def without_pauses(monkeypatch):
    monkeypatch.setattr(retries, "PAUSE_SECONDS", 0.0)


def test_another_broker_is_asked_where_one_is_away() -> None:
    answers = iter([KafkaConnectionError("hung"), KafkaTimeoutError("late"), "answer"])

    def ask() -> Any:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert "answer" == with_retries(ask, seconds=0.05)


def test_patience_with_brokers_that_are_all_away_ends() -> None:
    def ask() -> None:
        raise KafkaConnectionError("hung")

    with pytest.raises(KafkaConnectionError):
        with_retries(ask, seconds=0.05)


def test_a_refusal_is_not_tried_again() -> None:
    tries = []

    def ask() -> None:
        tries.append(1)
        raise ClusterAuthorizationFailedError

    with pytest.raises(ClusterAuthorizationFailedError):
        with_retries(ask, seconds=0.05)

    assert 1 == len(tries)
