"""One round: a system starts on its core, answers a topic that is full, and is stopped; its output says how fast."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from secrets import token_hex

from benchmarks.speed.figures import Growth, between_batches, rate, steady
from benchmarks.speed.rivals.options import CLUSTERS
from benchmarks.speed.testbed import EndOffsets, TestBed, await_exit, now

START_SECONDS = 120.0  # a cold cache exports, quantises and calibrates
PATIENCE_SECONDS = 120.0  # for enough batches: a script that answers 500 at a time needs half a minute for three


@dataclass(frozen=True, slots=True)
class System:
    """Something that labels a topic.

    Attributes:
        name: short, in results.
        module: what Python runs, and its arguments.
        settings: of a textsieve worker; empty for a rival.
        variant: of a rival.
        path: folder of packages that come before the installed ones.
        is_worker: whether it is a textsieve worker.
    """

    name: str
    module: tuple[str, ...]
    settings: tuple[str, ...] = ()
    variant: str = ""
    path: str = ""
    is_worker: bool = False


def textsieve(name: str, *settings: str, module: tuple[str, ...] = ("-m", "worker", "run")) -> System:
    """A worker, cache off unless the settings say otherwise."""
    return System(name, module, settings, is_worker=True)


def rival(name: str, module: str, variant: str = "", path: str = "") -> System:
    """A script in benchmarks/speed/rivals."""
    return System(name, ("-m", f"benchmarks.speed.rivals.{module}"), variant=variant, path=path)


def measure(testbed: TestBed, system: System, topic: str, *, model: str, seconds: float) -> float:
    """Messages per second of a system in its steady window.

    Raises:
        SystemExit: it ended, or answered nothing in time.
    """
    output = testbed.topic("labels")
    dead_letters = testbed.topic("dead-letters")
    command = _command(testbed, system, topic, output=output, dead_letters=dead_letters, model=model)
    end_offsets = EndOffsets(testbed.stack.bootstrap_servers, output)
    child = testbed.start(system.name, command, path=system.path)
    try:
        points = _watch(end_offsets, seconds=seconds, is_alive=lambda: child.exit_code is None)
    finally:
        await_exit(child)
        end_offsets.close()
        testbed.drop(output, dead_letters)
    if len(steady(points)) < 2:  # noqa: PLR2004 - as rate() wants it
        raise SystemExit(f"{system.name} answered too little (exit code {child.exit_code}):\n{child.tail(30)}")
    return rate(points)


def _command(
    testbed: TestBed, system: System, topic: str, *, output: str, dead_letters: str, model: str
) -> Sequence[str]:
    bootstrap, group = testbed.stack.bootstrap_servers, f"group-{token_hex(4)}"
    if not system.is_worker:
        told = {"bootstrap": bootstrap, "input": topic, "output": output, "group": group, "model": model}
        words = [word for name, value in told.items() for word in (f"--{name}", value)]
        return [*system.module, *words, "--variant", system.variant]
    settings = (
        *worker_settings(testbed, topic, output=output, dead_letters=dead_letters, group=group),
        *system.settings,
    )
    if system.module[0] != "-m":
        return [*system.module, *settings]
    return [*system.module, *(word for setting in settings for word in ("--set", setting))]


def worker_settings(testbed: TestBed, topic: str, *, output: str, dead_letters: str, group: str) -> list[str]:
    """What a worker must know of the testbed."""
    return [
        f"kafka.bootstrap_servers={testbed.stack.bootstrap_servers}",
        f"kafka.preset={testbed.preset}",
        f"kafka.input_topics={topic}",
        f"kafka.output_topic={output}",
        f"kafka.dead_letter_topic={dead_letters}",
        f"kafka.group_id={group}",
        f"redis.url={testbed.stack.redis_url}",
        f"clusters.space={group}",
        f"clusters.k={CLUSTERS}",
        "model.threads=1",
        "model.cache_messages=0",
        f"model.cache_directory={testbed.directory / 'cache'}",
        "http.port=0",
    ]


def _watch(end_offsets: EndOffsets, *, seconds: float, is_alive: Callable[[], bool]) -> list[Growth]:
    """Follow the output until a steady window of so many seconds is behind us."""
    points: list[Growth] = []
    began = now()
    while is_alive():
        messages, at = end_offsets.total(), now()
        if messages and (not points or messages > points[-1].messages):
            points.append(Growth(at, messages))
        if not points:
            if at - began > START_SECONDS:
                return points
            continue
        window = steady(points)
        long = len(window) > 1 and window[-1].seconds - window[0].seconds >= seconds
        if (long and between_batches(points, at)) or at - points[0].seconds > max(PATIENCE_SECONDS, 3 * seconds):
            return points
    return points
