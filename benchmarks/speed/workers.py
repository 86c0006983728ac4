"""One worker and two: messages per second together, and how long a start takes."""

import time
import urllib.request
from secrets import token_hex

from benchmarks.speed.arena import Arena, Tide, await_exit, now
from benchmarks.speed.rounds import START_SECONDS, worker_settings
from embedded.child import Child
from embedded.listening import free_port

LOOK_SECONDS = 0.02
SPARING_SECONDS = 0.2  # between looks at the output, which take from the core that a worker runs on


def together(arena: Arena, topic: str, settings: tuple[str, ...], *, workers: int, seconds: float) -> float:
    """Messages per second of so many workers, each on a core of its own while there are any; the broker shares them."""
    cores = arena.cores.all
    output, letters = arena.topic("labels"), arena.topic("dead-letters")
    told = worker_settings(arena, topic, output=output, letters=letters, group=f"group-{token_hex(4)}")
    ports = [free_port() for _ in range(workers)]
    crew = [
        _start(
            arena,
            f"scale-{number}",
            (*told, *settings, f"http.port={port}"),
            core=cores[-1 - number % len(cores)] if cores else None,
        )
        for number, port in enumerate(ports)
    ]
    tide = Tide(arena.stack.bootstrap_servers, output)
    try:
        _await_partitions(crew, ports)
        time.sleep(2.0)  # the pace settles
        first, began = _followed(tide, seconds=0.5), now()
        last, ended = _followed(tide, seconds=seconds), now()
    finally:
        for worker in crew:
            await_exit(worker)
        tide.close()
        arena.drop(output, letters)
    return (last - first) / (ended - began)


def _followed(tide: Tide, *, seconds: float) -> int:
    """How far the output has come after so long; one look alone may show an old end, where the broker has no core."""
    end = now() + seconds
    while now() < end:
        time.sleep(SPARING_SECONDS)
        tide.look()
    return tide.look()


def start_seconds(arena: Arena, topic: str, settings: tuple[str, ...]) -> dict[str, float]:
    """From the start of the process until it is ready and owns its partitions, and until its first result."""
    output, letters = arena.topic("labels"), arena.topic("dead-letters")
    told = worker_settings(arena, topic, output=output, letters=letters, group=f"group-{token_hex(4)}")
    port = free_port()
    tide = Tide(arena.stack.bootstrap_servers, output)
    began = now()
    worker = _start(arena, "start", (*told, *settings, f"http.port={port}"), core=None)
    try:
        _await_partitions([worker], [port])
        ready = now() - began
        while not tide.look():
            if now() - began > START_SECONDS:
                raise SystemExit(f"no result in time:\n{worker.tail(30)}")
        return {"ready_seconds": ready, "first_result_seconds": now() - began}
    finally:
        await_exit(worker)
        tide.close()
        arena.drop(output, letters)


def _start(arena: Arena, name: str, settings: tuple[str, ...], *, core: int | None) -> Child:
    words = [word for setting in settings if setting != "http.port=0" for word in ("--set", setting)]
    return arena.start(name, ["-m", "worker", "run", *words], core=core)


def _await_partitions(crew: list[Child], ports: list[int]) -> None:
    """Until every worker is ready and owns partitions."""
    deadline = time.monotonic() + START_SECONDS
    while not all(_owns(port) for port in ports):
        ended = [worker for worker in crew if worker.exit_code is not None]
        if ended or time.monotonic() > deadline:
            raise SystemExit(f"a worker did not become ready:\n{(ended or crew)[0].tail(30)}")
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
