"""The demo against real services and a worker that can be told to misbehave."""

import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest
import redis
from kafka import KafkaAdminClient
from rich.console import Console

from tests.integration.waiting import wait_until
from textsieve.embedded.broker import Broker
from textsieve.embedded.cluster_space import delete_space
from textsieve.embedded.demo.config import DemoConfig
from textsieve.embedded.demo.console_log import ConsoleLog
from textsieve.embedded.demo.message_source import Scenario
from textsieve.embedded.demo.run import Outcome, run
from textsieve.embedded.demo.workers import STOP_SECONDS
from textsieve.embedded.errors import ServerDied
from textsieve.embedded.services import Services
from textsieve.embedded.topics import Names, delete_topics

FAKE_WORKER = (sys.executable, str(Path(__file__).parent / "fake_worker.py"), "run")
ENDLESS = ("lose", "forget")  # faults with which a demo waits for what never comes, until it gives up


@pytest.fixture
def demo(one_broker, store, tmp_path, monkeypatch):
    return partial(run_demo, one_broker, store, tmp_path, monkeypatch)


@pytest.fixture
def each_demo(each_broker, store, tmp_path, monkeypatch):
    return partial(run_demo, each_broker, store, tmp_path, monkeypatch)


def run_demo(brokers, store, directory, monkeypatch, *, fault: str = "none", messages: int = 200) -> Outcome:
    if fault in ENDLESS:
        monkeypatch.setattr("textsieve.embedded.demo.monitor.STALL_SECONDS", 15.0)
    plan = DemoConfig(Scenario(), messages=messages, command=FAKE_WORKER, settings=[f"fake.fault={fault}"])
    return run(
        Services(brokers.bootstrap_servers, store, preset=brokers.preset),
        plan,
        directory=directory,
        log=ConsoleLog(Console(file=io.StringIO()), time.time_ns() // 1_000_000),
    )


def children(pid: int) -> list[int]:
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if int(status.read_text().rpartition(")")[2].split()[1]) == pid:
                found.append(int(status.parent.name))
    return found


def test_a_run_without_faults_adds_up(each_demo) -> None:
    outcome = each_demo()

    assert [] == outcome.faults
    summary = outcome.summary
    assert (200, 198, 2) == (summary.produced, summary.labelled, summary.dead_lettered)
    assert (0, 0, 198, 2) == (summary.lost, summary.duplicates, summary.learned, summary.workers)
    assert 198 == sum(summary.labels.values()) == sum(outcome.workers.values())
    assert 0 < summary.p50_seconds <= summary.p99_seconds
    assert 0 < summary.seconds_to_first_result


def test_a_lost_message_is_found_and_named(demo) -> None:
    outcome = demo(fault="lose")

    assert 1 == outcome.summary.lost
    assert any("1 of 200 messages unanswered (messages-demo-" in fault for fault in outcome.faults)


def test_a_repeated_result_is_found(demo) -> None:
    outcome = demo(fault="repeat")

    assert 1 == outcome.summary.duplicates
    assert ["1 answers are repeats"] == outcome.faults


def test_results_that_were_never_learned_are_found(demo) -> None:
    outcome = demo(fault="forget")

    assert "the clusters learned 0 results, expected 198" in outcome.faults


def test_a_worker_that_ends_early_ends_the_demo_with_its_words(demo) -> None:
    outcome = demo(fault="crash")

    assert outcome.faults[0].startswith("worker-")
    assert "ended early with exit code 3" in outcome.faults[0]


def test_a_worker_that_does_not_stop_is_killed_and_named(demo, monkeypatch) -> None:
    monkeypatch.setattr("textsieve.embedded.demo.workers.STOP_SECONDS", 1.0)

    outcome = demo(fault="stuck")

    assert any("expected exit code 0 after SIGTERM, got -9" in fault for fault in outcome.faults)


def test_a_broker_that_dies_ends_the_demo_at_once(store, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("textsieve.embedded.demo.workers.STOP_SECONDS", 1.0)
    with Broker() as server:
        services = Services(server.bootstrap_servers, store, preset="embedded", broker=server)
        plan = DemoConfig(Scenario(), messages=1000, rate=100, command=FAKE_WORKER)
        doom = threading.Timer(8.0, server.kill)  # while messages flow
        doom.start()

        with pytest.raises(ServerDied, match="the broker ended with exit code -9"):
            run(
                services,
                plan,
                directory=tmp_path,
                log=ConsoleLog(Console(file=io.StringIO()), 0),
            )
        doom.join()


def test_on_a_broker_of_somebody_else_nothing_is_left(each_demo, each_broker, store) -> None:
    each_demo(messages=20)

    admin = KafkaAdminClient(bootstrap_servers=each_broker.bootstrap_servers)
    topics = admin.list_topics()
    admin.close()
    with redis.Redis.from_url(store) as client:
        assert [] == client.keys("*demo-*")
    assert [] == [topic for topic in topics if "demo-" in topic]


def test_the_command_ends_with_one_json_line_about_real_workers() -> None:
    command = [sys.executable, "-m", "embedded", "demo", "--messages", "60", "--json"]

    done = subprocess.run(command, capture_output=True, text=True, timeout=150, check=False)

    assert 0 == done.returncode, done.stderr
    [line] = done.stdout.splitlines()
    summary = json.loads(line)
    assert {"produced": 60, "labelled": 59, "dead_lettered": 1, "lost": 0, "duplicates": 0, "learned": 59} == {
        key: summary[key] for key in ("produced", "labelled", "dead_lettered", "lost", "duplicates", "learned")
    }
    assert 2 == summary["workers"]
    assert 1 <= summary["clusters"] <= 12
    assert {"ham", "spam"} == set(summary["labels"])


def test_what_is_kept_is_named_and_found_by_other_commands(one_broker, store, tmp_path) -> None:
    told = Console(file=io.StringIO(), width=400)
    services = Services(one_broker.bootstrap_servers, store, preset=one_broker.preset)
    plan = DemoConfig(Scenario(), messages=40, command=FAKE_WORKER, keep=True)

    outcome = run(services, plan, directory=tmp_path, log=ConsoleLog(told, 0))
    tail = subprocess.run(
        [sys.executable, "-m", "textsieve", "tail", "--no-follow"],
        env={**os.environ, **outcome.left},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    delete_topics(one_broker.bootstrap_servers, Names.ending(outcome.left["TEXTSIEVE_CLUSTERS__SPACE"]))
    delete_space(store, outcome.left["TEXTSIEVE_CLUSTERS__SPACE"])
    assert outcome.summary.labelled == len(tail.stdout.splitlines())
    assert outcome.left["TEXTSIEVE_KAFKA__OUTPUT_TOPIC"] in told.file.getvalue().partition("left to look at")[2]


def test_what_the_workers_are_at_is_told_while_they_are_waited_for(one_broker, store, tmp_path) -> None:
    told = Console(file=io.StringIO(), width=400)
    services = Services(one_broker.bootstrap_servers, store, preset=one_broker.preset)

    run(
        services,
        DemoConfig(Scenario(), messages=40, command=FAKE_WORKER),
        directory=tmp_path,
        log=ConsoleLog(told, 0),
    )

    assert "2 workers: starting" in told.file.getvalue()
    assert "2 workers own 4 partitions; sending 40 messages" in told.file.getvalue()


@pytest.mark.alone
def test_an_interrupted_demo_does_not_wait_for_a_worker_that_refuses_to_end(one_broker, store, tmp_path) -> None:
    services = Services(one_broker.bootstrap_servers, store, preset=one_broker.preset)
    plan = DemoConfig(Scenario(), messages=1000, rate=20, command=FAKE_WORKER, settings=["fake.fault=stuck"])
    threading.Timer(10.0, signal.raise_signal, [signal.SIGINT]).start()  # while messages flow
    began = time.monotonic()

    with pytest.raises(KeyboardInterrupt):
        run(services, plan, directory=tmp_path, log=ConsoleLog(Console(file=io.StringIO()), 0))

    assert time.monotonic() - began < 10.0 + STOP_SECONDS  # it is killed, not waited for
    assert [] == [pid for pid in children(os.getpid()) if "fake_worker" in Path(f"/proc/{pid}/cmdline").read_text()]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_an_interrupted_demo_leaves_no_process(number, tmp_path) -> None:
    command = [sys.executable, "-m", "embedded", "demo"]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as parent:
        all_started = wait_until(lambda: len(children(parent.pid)) == 4)
        pids = children(parent.pid)
        parent.send_signal(number)

    assert all_started  # broker, store, two workers
    assert wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids))
    assert parent.returncode == (-signal.SIGKILL if number == signal.SIGKILL else 130)
    assert number == signal.SIGKILL or [] == list(tmp_path.iterdir())
