"""Alive means that the loop turns; ready means that messages flow."""

import pytest

from textsieve.worker.health import Health


def flowing() -> Health:
    return Health(started=True, last_turn=100.0, joined=True)


@pytest.mark.parametrize(("now", "expected"), [(159.9, True), (160.0, False)])
def test_a_worker_is_alive_while_its_loop_turns(now, expected):
    assert expected == flowing().alive(now=now, stuck_after_seconds=60.0)


@pytest.mark.parametrize(("now", "expected"), [(209.9, True), (210.0, False)])
def test_a_turn_may_take_long_while_the_model_answers(now, expected):
    health = flowing()

    health.last_step = 150.0

    assert expected == health.alive(now=now, stuck_after_seconds=60.0)


def test_a_worker_that_still_loads_its_model_is_alive_however_long_it_takes():
    assert Health().alive(now=1e9, stuck_after_seconds=60.0)


def test_the_absence_of_broker_and_store_is_no_reason_to_be_killed():
    health = Health(started=True, last_turn=100.0, broker_ok=False, store_ok=False)

    assert health.alive(now=101.0, stuck_after_seconds=60.0)


def test_a_worker_is_ready_when_messages_flow():
    assert flowing().ready()


def test_a_worker_is_ready_without_the_store_too_for_it_labels_on():
    health = flowing()

    health.store_ok = False

    assert health.ready()


@pytest.mark.parametrize(
    ("field", "value"),
    [("started", False), ("joined", False), ("broker_ok", False), ("stopping", True)],
)
def test_any_of_these_makes_a_worker_not_ready(field, value):
    health = flowing()

    setattr(health, field, value)

    assert not health.ready()
