"""The parts of the composition root that need no service."""

import os
import signal
import socket
import threading

import numpy as np
import pytest
import structlog
from structlog.testing import capture_logs

from textsieve.worker.campaigns.watcher import LEASE_MS
from textsieve.worker.clustering.space import ClusterSpace
from textsieve.worker.errors import ConfigurationError, StoreUnavailable
from textsieve.worker.metrics import ConsistentRegistry
from textsieve.worker.settings import (
    CampaignSettings,
    ClusterSettings,
    KafkaSettings,
    OutputSettings,
    RedisSettings,
    Settings,
)
from textsieve.worker.testing import HashingPredictor
from textsieve.worker.wiring.alarms import PUBLISH_SECONDS, find_campaign, keep_telling
from textsieve.worker.wiring.model import require_room
from textsieve.worker.wiring.process import stopping_on_signals
from textsieve.worker.wiring.store import cluster_space
from textsieve.worker.wiring.telemetry import build_metrics

LOG = structlog.stdlib.get_logger("test")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_asks_for_a_graceful_stop_with_a_deadline(number):
    with stopping_on_signals(20.0, LOG) as stop:
        before = stop.is_set()
        os.kill(os.getpid(), number)
        stop.wait(5)
        remaining = signal.getitimer(signal.ITIMER_REAL)[0]

    assert (False, True) == (before, stop.is_set())
    assert 0 < remaining <= 20.0


def test_afterwards_signals_mean_what_they_meant():
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGALRM)
    before = [signal.getsignal(number) for number in numbers]

    with stopping_on_signals(20.0, LOG):
        os.kill(os.getpid(), signal.SIGTERM)

    assert before == [signal.getsignal(number) for number in numbers]
    assert 0.0 == signal.getitimer(signal.ITIMER_REAL)[0]


def test_a_space_belongs_to_the_model_and_the_group():
    settings = Settings(
        kafka=KafkaSettings(group_id="group"),
        clusters=ClusterSettings(
            k=8, seed_messages=50, seed_after_seconds=7, half_life_messages=900, seed_idle_seconds=3
        ),
    )

    assert ClusterSpace("hashing-16", "group", 8, 50, 7.0, 900.0, 3.0) == cluster_space(settings, HashingPredictor())


def test_metrics_name_the_model_and_its_labels():
    registry = ConsistentRegistry()

    build_metrics(registry, Settings(), HashingPredictor(labels=("a", "b")))

    model = {"name": "hashing", "version": "1", "max_tokens": "256", "engine": ""}
    assert 1.0 == registry.get_sample_value("textsieve_model_info", model)
    assert 0.0 == registry.get_sample_value("textsieve_predictions_total", {"label": "b"})


def test_labels_of_which_no_result_fits_into_a_message_are_refused():
    many = HashingPredictor(labels=tuple(f"label number {number}" for number in range(200)))
    small = Settings(output=OutputSettings(max_message_bytes=4096))

    require_room(Settings(), many)

    with pytest.raises(
        ConfigurationError, match=r"200 labels are about \d+ bytes, more than output\.max_message_bytes"
    ):
        require_room(small, many)


def test_labels_wait_for_one_try_of_a_store_that_takes_connections_and_never_answers():
    with socket.create_server(("127.0.0.1", 0), backlog=16) as hung:
        hung.setblocking(False)
        port = hung.getsockname()[1]
        stage = find_campaign(
            Settings(campaigns=CampaignSettings(enabled=True), redis=RedisSettings(url=f"redis://127.0.0.1:{port}/0"))
        )
        assert stage is not None

        stage.detector.assign(["claim your prize"] * 2, np.arange(2, dtype=np.uint64), np.zeros(2, np.int64))

        hung.accept()[0].close()
        with pytest.raises(BlockingIOError):
            hung.accept()


def test_alarms_go_on_being_told_whatever_a_turn_fails_with_and_each_change_is_one_line():
    stop, events = threading.Event(), []
    outcomes = iter([ValueError("odd"), ValueError("odd"), StoreUnavailable("away"), 0, 2])

    def turn() -> int:
        events.append("turn")
        outcome = next(outcomes)
        if isinstance(outcome, Exception):
            raise outcome
        if outcome:
            stop.set()
        return outcome

    with capture_logs() as logged:
        keep_telling(turn, lambda: events.append("close"), stop, structlog.stdlib.get_logger("alarms"), seconds=0.001)

    assert ["turn"] * 5 + ["close"] == events
    assert [("alarms wait", "odd"), ("alarms wait", "away"), ("alarms go on", None), ("alarms told", None)] == [
        (line["event"], line.get("error")) for line in logged
    ]
    assert [True, False] == [line["exc_info"] for line in logged if "error" in line]


def test_the_lease_outlasts_a_broker_that_takes_no_alarms():
    assert PUBLISH_SECONDS * 1000 < LEASE_MS
