"""Whole workers on the embedded broker and store: messages per second broker to broker, memory, latency."""

import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import Any

import msgspec

from benchmarks.gpu.device import Device
from benchmarks.gpu.plan import Plan
from benchmarks.speed.figures import Spread
from benchmarks.speed.latency import latencies
from benchmarks.speed.rounds import worker_settings
from benchmarks.speed.testbed import Cores, EndOffsets, TestBed, await_exit, now
from benchmarks.speed.texts import cycled, encoded
from benchmarks.speed.workers import _await_partitions, _used
from textsieve.embedded.child import Child
from textsieve.embedded.listening import free_port
from textsieve.embedded.services import start_services

LOOK_SECONDS = 0.05
LINGER_MS = 5.0  # of who sends at a fixed rate: thousands of requests a second are too many for the embedded broker
LIGHT_PER_SECOND = 100.0  # messages: nobody waits for anybody
CLUSTERS_EARLY = "clusters.seed_messages=1000"


class UnpinnedTestBed(TestBed):
    """A testbed where nothing is pinned to a core and libraries take as many threads as they like."""

    @classmethod
    @contextmanager
    def opened(cls) -> Iterator["UnpinnedTestBed"]:
        """Start broker and store."""
        with start_services() as stack, tempfile.TemporaryDirectory(prefix="textsieve-gpu-") as directory:
            yield cls(stack, Path(directory), Cores(None, None))

    def start(self, name: str, command: Sequence[str], *, core: int | None = None, path: str = "") -> Child:
        """A system under test."""
        del core, path
        environment = {**os.environ, "HF_HUB_OFFLINE": "1", "PYTHONWARNINGS": "ignore"}
        words = [sys.executable, *command]
        return Child(words, log_path=self.directory / f"{name}.log", environment=environment)


def of_device(device: Device, *, workers: int = 1) -> tuple[str, ...]:
    """Settings of a worker on the device."""
    threads = max(1, (os.cpu_count() or 1) // workers)
    told = {
        name: value for name, value in device.settings().model_dump(exclude_unset=True).items() if value is not None
    }
    return (*(f"model.{name}={value}" for name, value in told.items()), f"model.threads={threads}", CLUSTERS_EARLY)


def sweep(testbed: UnpinnedTestBed, texts: Sequence[str], device: Device, *, plan: Plan) -> dict[str, Any]:
    """One worker and several on one device, one with larger iterations, and one on the CPUs of the same machine."""
    partitions = max(plan.workers)
    topic = testbed.topic("messages", partitions=partitions)
    testbed.fill(topic, encoded(cycled(texts, plan.messages)), partitions=partitions)
    device.forget_peak()
    ours = of_device(device)
    arms = {
        f"{workers} workers" if workers > 1 else "1 worker": (workers, of_device(device, workers=workers))
        for workers in plan.workers
    }
    if device.is_cuda and plan.variants:
        arms["1 worker, iterations of 4000"] = (1, (*ours, "delivery.max_batch_records=4000"))
        arms["1 worker on the CPUs"] = (1, (f"model.path={device.model}", "model.device=cpu", _cpus(), CLUSTERS_EARLY))
    found: dict[str, Any] = {}
    for name, (workers, settings) in arms.items():
        try:
            found[name] = together(testbed, topic, settings, device, workers=workers, partitions=partitions, plan=plan)
        except SystemExit as error:  # a worker did not come up: the other arms can still be had
            found[name] = {"fault": str(error)[-1500:]}
    return found


def _cpus() -> str:
    return f"model.threads={os.cpu_count() or 1}"


def together(
    testbed: UnpinnedTestBed,
    topic: str,
    settings: tuple[str, ...],
    device: Device,
    *,
    workers: int,
    partitions: int,
    plan: Plan,
) -> dict[str, Any]:
    """What so many workers reach together, slice by slice of one window, and what they take meanwhile."""
    output, dead_letters = (
        testbed.topic("labels", partitions=partitions),
        testbed.topic("dead-letters", partitions=partitions),
    )
    told = worker_settings(testbed, topic, output=output, dead_letters=dead_letters, group=f"group-{token_hex(4)}")
    told = [setting for setting in (*told, *settings) if setting != "http.port=0"]
    unused_mib, began = device.used_mib(), now()
    ports = [free_port() for _ in range(workers)]
    children = [_start(testbed, f"worker-{number}", (*told, f"http.port={port}")) for number, port in enumerate(ports)]
    users = {
        "workers": [worker.pid for worker in children],
        "broker": [testbed.stack.broker.pid],
        "store": [testbed.stack.store.pid],
        "observer": [os.getpid()],
    }
    end_offsets = EndOffsets(testbed.stack.bootstrap_servers, output, partitions=partitions)
    try:
        _await_partitions(children, ports)
        ready = now() - began
        _look(end_offsets, seconds=plan.settle_seconds)
        before, opened, rounds, busy = _used(users), now(), [], []
        for _ in range(plan.slices):
            first, at = end_offsets.total(), now()
            _look(end_offsets, seconds=plan.slice_seconds)
            rounds.append(round((end_offsets.total() - first) / (now() - at), 1))
            busy.append(device.utilization())
        after, closed, used_mib = _used(users), now(), device.used_mib()
        left = plan.messages - end_offsets.total()
    finally:
        for worker in children:
            await_exit(worker)
        end_offsets.close()
        testbed.drop(output, dead_letters)
    return {
        "workers": workers,
        "messages_per_second": msgspec.to_builtins(Spread.of(rounds)),
        "ran_dry": left <= 0,
        "ready_seconds": round(ready, 1),
        "cores": {name: round((after[name] - used) / (closed - opened), 2) for name, used in before.items()},
        "device_busy": busy,
        "device_mib": round(used_mib - unused_mib, 1),
    }


def _look(end_offsets: EndOffsets, *, seconds: float) -> None:
    """Follow the output for so long, or its end falls behind."""
    end = now() + seconds
    while now() < end:
        end_offsets.total()
        time.sleep(LOOK_SECONDS)


def _start(testbed: UnpinnedTestBed, name: str, settings: Sequence[str]) -> Child:
    return testbed.start(name, ["-m", "worker", "run", *(word for setting in settings for word in ("--set", setting))])


def latency(
    testbed: UnpinnedTestBed, texts: Sequence[str], device: Device, *, full_per_second: float, plan: Plan, seed: int
) -> dict[str, Any]:
    """Produce-to-publish latency of one worker at half of what it can do, and where nobody waits for anybody."""
    full_per_second = max(full_per_second, 2.0)  # a stand-in may have answered nothing
    loads = {"half load": full_per_second / 2, "light load": min(LIGHT_PER_SECOND, full_per_second / 2)}
    return {
        name: latencies(
            testbed,
            tuple(cycled(texts, plan.warm_messages)),
            of_device(device),
            per_second=per_second,
            seconds=plan.latency_seconds,
            seed=seed,
            warm_messages=plan.warm_messages,
            linger_ms=LINGER_MS,
        )
        for name, per_second in loads.items()
    }
