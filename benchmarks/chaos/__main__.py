"""`python -m benchmarks.chaos`: break everything, then prove that nothing was lost and nothing repeated."""

import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from benchmarks.chaos.arena import INTERRUPTED, Plan
from benchmarks.chaos.ground import Ground
from benchmarks.chaos.kinds import CATALOGUE
from benchmarks.chaos.outcome import Failed, Line
from benchmarks.chaos.plants import Plant
from benchmarks.chaos.report import show_line, show_summary
from benchmarks.chaos.schedule import plan, share
from benchmarks.chaos.summary import summarise
from textsieve.embedded.child import Child
from textsieve.embedded.interruption import interruptible

ARENAS = 4  # where each is a small broker and two workers; a cluster is enough for two cores
LOOK_SECONDS = 0.2
STOP_SECONDS = 40.0  # for an arena to end everything it started


class Nodes(StrEnum):
    """Of an Apache Kafka of our own."""

    NONE = "0"
    ONE = "1"
    THREE = "3"


class Promise(StrEnum):
    """The worker's `delivery.guarantee`."""

    EXACTLY_ONCE = "exactly_once"
    AT_LEAST_ONCE = "at_least_once"


def main(
    events: Annotated[int, typer.Option(min=1, help="How many strikes.")] = 100,
    seed: Annotated[int, typer.Option(help="Same seed, same schedule.")] = 1,
    arenas: Annotated[
        int | None, typer.Option(min=1, help="Streams under attack at the same time; 4, with --kafka 1.")
    ] = None,
    only: Annotated[list[str] | None, typer.Option(help="Only kinds whose name contains this.")] = None,
    plant: Annotated[Plant, typer.Option(help="Break the workers on purpose: the run must fail.")] = Plant.NONE,
    load: Annotated[int, typer.Option(min=0, help="Busy loops that take the CPU from everything.")] = 0,
    kafka: Annotated[
        Nodes, typer.Option(help="Nodes of an Apache Kafka, started in each arena; 0 for the embedded broker.")
    ] = Nodes.NONE,
    guarantee: Annotated[
        Promise | None, typer.Option(help="The worker's delivery.guarantee; if not given, that of its preset.")
    ] = None,
    bootstrap_servers: Annotated[str | None, typer.Option(help="A broker of yours.")] = None,
    redis_url: Annotated[str | None, typer.Option(help="A store of yours.")] = None,
    preset: Annotated[str | None, typer.Option(help="The worker's kafka.preset, where yours needs another.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="End with one line for machines.")] = False,
    keep: Annotated[Path | None, typer.Option(help="Keep all logs in this folder.")] = None,
) -> None:
    """Strike workers and what is around them, then count what was lost, repeated or miscounted."""
    console = Console(stderr=as_json)
    began = time.monotonic()
    ground = _ground(kafka, bootstrap_servers, redis_url, preset, guarantee)
    possible = [kind for kind in CATALOGUE if kind.is_possible(ground)]
    chosen = [kind for kind in possible if not only or any(part in kind.name for part in only)]
    skipped = [kind.name for kind in CATALOGUE if kind.concerns(ground) and kind not in possible]
    if not chosen:
        raise typer.BadParameter("no event has such a name")
    streams = plan(events, seed=seed, kinds=chosen)
    lines: list[Line] = []
    try:
        with interruptible(), _directory(keep) as directory, ExitStack() as resources:
            for number in range(load):
                resources.enter_context(
                    _running([sys.executable, "-c", "while True: pass"], directory, f"load-{number}")
                )
            children = []
            for number, mine in enumerate(share(streams, arenas=arenas or (1 if ground.nodes else ARENAS))):
                told = Plan(str(directory / f"arena-{number}"), mine, ground, plant)
                children.append(resources.enter_context(_arena(told, number, directory)))
            for line in _follow(children):
                lines.append(line)
                show_line(console, line)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    summary = summarise(lines, wanted=events, skipped=skipped)
    show_summary(console, summary)
    if as_json:
        told_at_last = {"seed": seed, "plant": plant.value, "seconds": round(time.monotonic() - began, 1)}
        place = {"nodes": ground.nodes, "guarantee": ground.guarantee_in_force}
        sys.stdout.write(json.dumps(told_at_last | place | summary.as_json()) + "\n")
    sys.exit(0 if summary.is_good else 1)


def _ground(
    kafka: Nodes,
    bootstrap_servers: str | None,
    redis_url: str | None,
    preset: str | None,
    guarantee: Promise | None,
) -> Ground:
    if kafka is not Nodes.NONE and bootstrap_servers is not None:
        raise typer.BadParameter("expected --kafka or --bootstrap-servers, got both")
    told = {"bootstrap_servers": bootstrap_servers, "redis_url": redis_url, "preset": preset, "guarantee": guarantee}
    ground = msgspec.convert(told | {"nodes": int(kafka)}, Ground)
    if (ground.preset_in_force, ground.guarantee_in_force) == ("embedded", "exactly_once"):
        raise typer.BadParameter("expected --kafka for exactly_once: the embedded broker has no transactions")
    return ground


@contextmanager
def _directory(keep: Path | None) -> Iterator[Path]:
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        yield keep.absolute()
        return
    with tempfile.TemporaryDirectory(prefix="textsieve-chaos-") as directory:
        yield Path(directory)


@contextmanager
def _running(command: Sequence[str], directory: Path, name: str) -> Iterator[Child]:
    child = Child(command, log_path=directory / f"{name}.out")
    try:
        yield child
    finally:
        child.stop(patience_seconds=STOP_SECONDS)


@contextmanager
def _arena(told: Plan, number: int, directory: Path) -> Iterator[Child]:
    Path(told.directory).mkdir()
    path = directory / f"arena-{number}.json"
    path.write_bytes(msgspec.json.encode(told))
    command = [sys.executable, "-m", "benchmarks.chaos.arena", str(path)]
    with _running(command, directory, f"arena-{number}") as child:
        yield child


def _follow(children: Sequence[Child]) -> Iterator[Line]:
    """What the arenas say, until all have ended."""
    read = dict.fromkeys(range(len(children)), 0)
    while True:
        running = any(child.exit_code is None for child in children)
        for number, child in enumerate(children):
            said = child.log_path.read_bytes()[read[number] :]
            complete = said[: said.rfind(b"\n") + 1]
            read[number] += len(complete)
            yield from _lines(complete)
        if not running:
            break
        time.sleep(LOOK_SECONDS)
    for child in children:
        if child.exit_code and b'"Failed"' not in child.log_path.read_bytes():
            yield Failed(f"an arena ended with exit code {child.exit_code}:\n{child.tail()}")


def _lines(said: bytes) -> Iterator[Line]:
    for line in said.splitlines():
        try:
            yield msgspec.json.decode(line, type=Line)
        except msgspec.MsgspecError:
            continue  # a library's own words


if __name__ == "__main__":
    typer.run(main)
