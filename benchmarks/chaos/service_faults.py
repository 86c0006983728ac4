"""What is done to everything around the workers: store, broker, connections, messages, model, disk."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from benchmarks.chaos.control import Field
from benchmarks.chaos.errors import FaultMissed, RunFailed
from benchmarks.chaos.freezing import all_frozen, one_frozen
from benchmarks.chaos.messages import MessageKind
from benchmarks.chaos.proxy import LineFault, Mode, Proxy
from benchmarks.chaos.scenario import Scenario
from benchmarks.chaos.worker_faults import AFTERLIFE_SECONDS, ZOMBIE_SECONDS

SEEN_SECONDS = 15.0  # for a message to reach a model


def kill_store(scenario: Scenario, _: str | None) -> None:
    """Kill -9 the store, whose append-only file has every acknowledged write; start it after a while."""
    store = scenario.services.own_store
    with all_frozen(scenario):
        store.kill()
    scenario.wait(scenario.rng.uniform(0.2, 3.0))
    store.start()


def fill_store(scenario: Scenario, _: str | None) -> None:
    """The store has no memory for writes for a while."""
    _configured(scenario, "maxmemory", "1", "0")


def store_without_replicas(scenario: Scenario, _: str | None) -> None:
    """The store refuses writes because too few replicas would get them."""
    _configured(scenario, "min-replicas-to-write", "1", "0")


def store_read_only(scenario: Scenario, _: str | None) -> None:
    """The store is made a replica of nobody: it answers reads and refuses writes."""
    client = scenario.services.store_client
    with all_frozen(scenario):
        client.replicaof("127.0.0.1", "1")
    scenario.wait(scenario.rng.uniform(1.0, 3.0))
    client.replicaof("NO", "ONE")


def cut_store(scenario: Scenario, _: str | None) -> None:
    """Every connection to the store ends, and no new one is made for a while."""
    break_proxies(scenario, _store_proxies(scenario), Mode.CUT, seconds=scenario.rng.uniform(0.5, 4.0))


def delay_store(scenario: Scenario, _: str | None) -> None:
    """The store answers late, sometimes too late."""
    break_proxies(scenario, _store_proxies(scenario), Mode.DELAYED, seconds=3.0, delay=scenario.rng.choice((0.2, 1.5)))


def mute_store(scenario: Scenario, _: str | None) -> None:
    """The store does what it is asked, and nobody hears of it."""
    break_proxies(scenario, _store_proxies(scenario), Mode.UNANSWERED, seconds=scenario.rng.uniform(1.0, 5.0))


def cut_broker(scenario: Scenario, _: str | None) -> None:
    """Every worker's connections to the broker end, and no new one is made for a while."""
    break_proxies(scenario, scenario.services.broker_proxies, Mode.CUT, seconds=scenario.rng.uniform(0.5, 4.0))


def delay_broker(scenario: Scenario, _: str | None) -> None:
    """The broker answers late."""
    break_proxies(
        scenario, scenario.services.broker_proxies, Mode.DELAYED, seconds=4.0, delay=scenario.rng.choice((0.05, 0.3))
    )


def mute_broker(scenario: Scenario, _: str | None) -> None:
    """The broker appends what it is sent, and nobody hears of it."""
    break_proxies(scenario, scenario.services.broker_proxies, Mode.UNANSWERED, seconds=scenario.rng.uniform(1.0, 5.0))


def cut_off_worker(scenario: Scenario, point: str | None) -> None:
    """One worker alone loses the broker until the others have taken over."""
    _isolate(scenario, point, Mode.CUT, and_then_seconds=0.0)


def hold_worker(scenario: Scenario, point: str | None) -> None:
    """What one worker sends is under way until the others have taken over, and then arrives all the same."""
    _isolate(scenario, point, Mode.HELD, and_then_seconds=AFTERLIFE_SECONDS)


def poison(scenario: Scenario, _: str | None) -> None:
    """Bytes that are no JSON among the next messages."""
    with all_frozen(scenario):
        _pile_up(scenario, [MessageKind.POISON] * 5)


def failing_text(scenario: Scenario, _: str | None) -> None:
    """Texts that break the model, among others that do not."""
    _provoke(scenario, MessageKind.FAILING, Field.FAILED)


def bulky_text(scenario: Scenario, _: str | None) -> None:
    """A text beside which a whole batch does not fit into memory."""
    _provoke(scenario, MessageKind.BULKY, Field.OUT_OF_MEMORY)


def fill_log(scenario: Scenario, point: str | None) -> None:
    """The device under a worker's log is full, and the worker is given reasons to write to it."""
    with one_frozen(scenario, point):
        pass
    injection = scenario.injection
    cut_store(scenario, None)
    scenario.injection = injection


@contextmanager
def broken(lines: Sequence[Proxy]) -> Iterator[Callable[[LineFault], None]]:
    """Gives what breaks all of them; afterwards they are whole again.

    Raises:
        RunFailed: there is none.
    """
    if not lines:
        raise RunFailed("this event needs a proxy of our own")

    def break_all(fault: LineFault) -> None:
        for line in lines:
            line.break_line(fault)

    try:
        yield break_all
    finally:
        for line in lines:
            line.mend()


def break_proxies(
    scenario: Scenario, lines: Sequence[Proxy], mode: Mode, *, seconds: float, delay: float = 0.0
) -> None:
    """Break the connections of all workers for a while."""
    with broken(lines) as break_all:
        with all_frozen(scenario) as processes:
            break_all(LineFault(mode, frozenset(process.pid for process in processes), delay))
        scenario.wait(seconds)


def _isolate(scenario: Scenario, point: str | None, mode: Mode, *, and_then_seconds: float) -> None:
    """Break one worker's connections to the broker until the others have answered in its place."""
    with broken(scenario.services.broker_proxies) as break_all:
        with one_frozen(scenario, point) as process:
            break_all(LineFault(mode, frozenset({process.pid})))
        ends = scenario.last_injection.ends
        scenario.wait_until(lambda: scenario.monitor.is_answered(ends), seconds=ZOMBIE_SECONDS)
        scenario.wait(and_then_seconds)


def _store_proxies(scenario: Scenario) -> Sequence[Proxy]:
    return [] if scenario.services.store_proxy is None else [scenario.services.store_proxy]


def _configured(scenario: Scenario, option: str, bad: str, good: str) -> None:
    client = scenario.services.store_client
    with all_frozen(scenario):
        client.config_set(option, bad)
    scenario.wait(scenario.rng.uniform(1.0, 3.0))
    client.config_set(option, good)


def _pile_up(scenario: Scenario, kinds: list[MessageKind]) -> None:
    """Send these while the workers stand still: they meet them in the middle of one large batch."""
    scenario.load.insert(kinds)
    time.sleep(0.7)


def _provoke(scenario: Scenario, kind: MessageKind, field: Field) -> None:
    def total() -> int:
        return sum(process.control.page[field] for process in scenario.workers.processes)

    before = total()
    with all_frozen(scenario):
        _pile_up(scenario, [kind] * 2)
    if not scenario.wait_until(lambda: total() > before, seconds=SEEN_SECONDS):
        raise FaultMissed("no model met the message in a batch")
