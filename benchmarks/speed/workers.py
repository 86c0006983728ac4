"""One worker and two: messages per second together, who used the cores meanwhile, and how long a start takes."""

import os
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex

from benchmarks.speed.rounds import START_SECONDS, worker_settings
from benchmarks.speed.testbed import EndOffsets, TestBed, await_exit, now
from textsieve.embedded.child import Child
from textsieve.embedded.listening import free_port

LOOK_SECONDS = 0.02
SPARING_SECONDS = 0.2  # between looks at the output, which take from the core that a worker runs on


@dataclass(frozen=True, slots=True)
class Throughput:
    """What so many workers reached together.

    Attributes:
        rate: messages per second.
        cores: by who used them, CPU seconds per second; "idle" is what nobody used.
    """

    rate: float
    cores: dict[str, float]


def together(testbed: TestBed, topic: str, settings: tuple[str, ...], *, workers: int, seconds: float) -> Throughput:
    """What workers reach, each on a core of its own while there are any; broker, store and observer share the cores."""
    cores = testbed.cores.all
    output, dead_letters = testbed.topic("labels"), testbed.topic("dead-letters")
    told = worker_settings(testbed, topic, output=output, dead_letters=dead_letters, group=f"group-{token_hex(4)}")
    ports = [free_port() for _ in range(workers)]
    children = [
        _start(
            testbed,
            f"scale-{number}",
            (*told, *settings, f"http.port={port}"),
            core=cores[-1 - number % len(cores)] if cores else None,
        )
        for number, port in enumerate(ports)
    ]
    users = {
        "workers": [worker.pid for worker in children],
        "broker": [testbed.stack.broker.pid],
        "store": [testbed.stack.store.pid],
        "observer": [os.getpid()],
    }
    end_offsets = EndOffsets(testbed.stack.bootstrap_servers, output)
    try:
        _await_partitions(children, ports)
        time.sleep(2.0)  # the pace settles
        first, before, began = _followed(end_offsets, seconds=0.5), _used(users), now()
        last, after, ended = _followed(end_offsets, seconds=seconds), _used(users), now()
    finally:
        for worker in children:
            await_exit(worker)
        end_offsets.close()
        testbed.drop(output, dead_letters)
    lasted = ended - began
    shares = {name: (after[name] - used) / lasted for name, used in before.items()}
    others = {"others": len(cores) - sum(shares.values())} if shares else {}  # of this machine and of its host
    return Throughput((last - first) / lasted, shares | others)


def _used(users: dict[str, list[int]]) -> dict[str, float]:
    """CPU seconds since each process began, and "idle" ones of all cores since the machine did; empty without /proc."""
    try:
        idle = _ticks(Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()[4:5])
        return {name: sum(_cpu_seconds(pid) for pid in pids) for name, pids in users.items()} | {"idle": idle}
    except FileNotFoundError:
        return {}


def _cpu_seconds(pid: int) -> float:
    after_name = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return _ticks(after_name[11:13])  # utime, stime


def _ticks(found: Sequence[str]) -> float:
    return sum(map(int, found)) / os.sysconf("SC_CLK_TCK")


def _followed(end_offsets: EndOffsets, *, seconds: float) -> int:
    """How far the output has come after so long; one look alone may show an old end, where the broker has no core."""
    end = now() + seconds
    while now() < end:
        time.sleep(SPARING_SECONDS)
        end_offsets.total()
    return end_offsets.total()


def start_seconds(testbed: TestBed, topic: str, settings: tuple[str, ...]) -> dict[str, float]:
    """From the start of the process until it is ready and owns its partitions, and until its first result."""
    output, dead_letters = testbed.topic("labels"), testbed.topic("dead-letters")
    told = worker_settings(testbed, topic, output=output, dead_letters=dead_letters, group=f"group-{token_hex(4)}")
    port = free_port()
    end_offsets = EndOffsets(testbed.stack.bootstrap_servers, output)
    began = now()
    worker = _start(testbed, "start", (*told, *settings, f"http.port={port}"), core=None)
    try:
        _await_partitions([worker], [port])
        ready = now() - began
        while not end_offsets.total():
            if now() - began > START_SECONDS:
                raise SystemExit(f"no result in time:\n{worker.tail(30)}")
        return {"ready_seconds": ready, "first_result_seconds": now() - began}
    finally:
        await_exit(worker)
        end_offsets.close()
        testbed.drop(output, dead_letters)


def _start(testbed: TestBed, name: str, settings: tuple[str, ...], *, core: int | None) -> Child:
    words = [word for setting in settings if setting != "http.port=0" for word in ("--set", setting)]
    return testbed.start(name, ["-m", "worker", "run", *words], core=core)


def _await_partitions(children: list[Child], ports: list[int]) -> None:
    """Until every worker is ready and owns partitions."""
    deadline = time.monotonic() + START_SECONDS
    while not all(_owns(port) for port in ports):
        ended = [worker for worker in children if worker.exit_code is not None]
        if ended or time.monotonic() > deadline:
            raise SystemExit(f"a worker did not become ready:\n{(ended or children)[0].tail(30)}")
        time.sleep(LOOK_SECONDS)


def _owns(port: int) -> bool:
    try:
        for page in ("readyz", "metrics"):
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/{page}", timeout=2) as response:
                text = response.read().decode()
    except OSError:
        return False
    rows = (line.split() for line in text.splitlines() if line.startswith("textsieve_assigned_partitions "))
    return any(float(value) > 0 for _, value in rows)
