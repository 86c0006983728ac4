import time
from collections import deque
from types import SimpleNamespace

import pytest
from kafka.net.manager import KafkaConnectionManager
from kafka.protocol.consumer import HeartbeatRequest
from kafka.protocol.metadata import FindCoordinatorRequest, MetadataRequest

from textsieve.kafka_client.bootstrap import QUESTION_MS, PatientManager, least_failed


def test_a_server_that_failed_is_asked_again_only_after_all_others() -> None:
    servers = [SimpleNamespace(node_id=name) for name in ("a", "b", "c")]

    assert servers == least_failed(servers, {})
    assert servers[1:] == least_failed(servers, {"a": (1, 0.0, 0.0)})
    assert servers[:1] == least_failed(servers, {"a": (2, 0.0, 0.0), "b": (4, 0.0, 0.0), "c": (3, 0.0, 0.0)})


def manager(connections, *, failures=None):
    """A manager without its constructor: three brokers, and what is known of the connections to them."""
    made = PatientManager.__new__(PatientManager)
    made.cluster = SimpleNamespace(brokers=lambda: [SimpleNamespace(node_id=number) for number in (1, 2, 3)])
    made._conns, made._backoff = connections, failures or {}
    made.config = {"request_timeout_ms": 10_000}
    return made


def connection(*ages, connected=True, paused=()):
    """With requests under way that were sent so many seconds ago."""
    sent = deque((number, None, time.monotonic() - age, 0.0, None) for number, age in enumerate(ages))
    return SimpleNamespace(connected=connected, paused=set(paused), in_flight_requests=sent)


def test_a_broker_that_is_connected_is_asked_before_one_that_has_nothing_to_do_because_it_is_away():
    assert 2 == manager({2: connection(0.1), 3: connection(connected=False)}).least_loaded_node()


def test_a_broker_that_owes_an_answer_for_long_is_asked_last():
    assert 3 == manager({1: connection(4.0), 2: connection(4.0)}).least_loaded_node()


def test_of_brokers_that_answer_the_one_with_the_least_to_do_is_asked():
    assert 1 == manager({1: connection(), 2: connection(0.1), 3: connection(0.1, 0.1)}).least_loaded_node()


def test_of_brokers_that_are_away_the_one_that_failed_least_is_asked():
    failures = {1: (3, 0.0, 0.0), 2: (1, 0.0, 0.0), 3: (2, 0.0, 0.0)}

    assert 2 == manager({}, failures=failures).least_loaded_node()


def test_nobody_is_asked_where_all_are_resting_or_full():
    soon = time.monotonic() + 60
    busy = manager({1: connection(paused=["max_in_flight"])}, failures={2: (1, soon, 0.0), 3: (1, soon, 0.0)})

    assert busy.least_loaded_node() is None


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (MetadataRequest(), QUESTION_MS),
        (FindCoordinatorRequest(), QUESTION_MS),
        (HeartbeatRequest(), None),
    ],
)
def test_what_another_broker_can_answer_as_well_is_not_waited_for_long(monkeypatch, request_, expected):
    seen = []
    monkeypatch.setattr(KafkaConnectionManager, "send", lambda _self, *arguments: seen.append(arguments))

    manager({}).send(request_, node_id=1)

    assert [(request_, 1, expected)] == seen
