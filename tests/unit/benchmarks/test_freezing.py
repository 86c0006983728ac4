"""A fault befalls workers that hold unfinished messages, and they go on afterwards."""

from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from types import SimpleNamespace

import pytest

from benchmarks.chaos import broker_faults, freezing, service_faults, worker_faults
from benchmarks.chaos.errors import FaultMissed
from benchmarks.chaos.proxy import Mode
from benchmarks.chaos.scenario import Scenario


@dataclass
class Process:
    pid: int
    unfinished: int = 3
    is_exposed: bool = False
    is_alive: bool = True
    told: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.control = SimpleNamespace(release=lambda: None)

    def freeze(self) -> None:
        self.told.append("freeze")

    def thaw(self) -> None:
        self.told.append("thaw")

    def kill(self) -> None:
        self.is_alive = False
        self.told.append("kill")


@dataclass
class Workers:
    processes: list[Process]
    refilled: int = 0

    def refill(self) -> None:
        self.refilled += 1

    @contextmanager
    def frozen(self):
        yield self.processes


@dataclass
class Recorder:
    """A proxy, or a cluster: notes what it is told."""

    numbers: tuple[int, ...] = (1, 2, 3)
    told: list[tuple] = field(default_factory=list)

    def break_line(self, fault) -> None:
        self.told.append((fault.mode, fault.victims))

    def mend(self) -> None:
        self.told.append(("mend",))

    def stop(self, number: int) -> None:
        self.told.append(("stop", number))

    def cont(self, number: int) -> None:
        self.told.append(("cont", number))


def scenario(*processes: Process, proxy: Recorder | None = None, cluster: Recorder | None = None) -> Scenario:
    brokers = SimpleNamespace(numbers=(1, 2, 3), cluster=cluster)
    services = SimpleNamespace(broker_proxies=(proxy,), own_brokers=brokers)
    monitor = SimpleNamespace(poll=lambda: None, is_answered=lambda _: True)
    load = SimpleNamespace(ends=lambda: {0: 7})
    return Scenario(services, None, Workers(list(processes)), load, monitor, Random(1), session_seconds=0.0)


def test_a_killed_worker_held_messages_and_another_is_started():
    victim = Process(1)
    running = scenario(victim)

    worker_faults.kill(running, None)

    assert (["freeze", "kill"], 1, 3, {0: 7}) == (
        victim.told,
        running.workers.refilled,
        running.last_injection.unfinished,
        running.last_injection.ends,
    )


@pytest.mark.parametrize("idle", [Process(1, unfinished=0), Process(1, is_exposed=True)])
def test_a_worker_without_messages_or_between_fence_and_ack_is_let_go(monkeypatch, idle):
    monkeypatch.setattr(freezing, "MOMENT_SECONDS", 0.0)

    with pytest.raises(FaultMissed):
        worker_faults.kill(scenario(idle), None)

    assert "kill" not in idle.told
    assert "thaw" == idle.told[-1]


def test_only_the_worker_that_is_cut_off_loses_the_broker():
    proxy = Recorder()

    service_faults.cut_off_worker(scenario(Process(11), proxy=proxy), None)

    assert [(Mode.CUT, frozenset({11})), ("mend",)] == proxy.told


def test_stopped_brokers_go_on_afterwards():
    cluster = Recorder()

    broker_faults.two_stopped(scenario(Process(1), cluster=cluster), None)

    stopped, continued = ([number for what, number in cluster.told if what == told] for told in ("stop", "cont"))
    assert 2 == len(set(stopped))
    assert stopped == continued
