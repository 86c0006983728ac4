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

from benchmarks.chaos.deployment import Deployment
from benchmarks.chaos.faults import CATALOGUE
from benchmarks.chaos.mutants import Mutant
from benchmarks.chaos.reports import Report, RunnerFailed
from benchmarks.chaos.runner import INTERRUPTED, RunnerConfig
from benchmarks.chaos.schedule import plan, share
from benchmarks.chaos.summary import summarise
from benchmarks.chaos.tables import show_line, show_summary
from textsieve.embedded.child import Child
from textsieve.embedded.interruption import interruptible

RUNNERS = 4  # where each is a small broker and two workers; a cluster is enough for two cores
LOOK_SECONDS = 0.2
STOP_SECONDS = 40.0  # for a runner to end everything it started


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
    events: Annotated[int, typer.Option(min=1, help="How many faults to inject.")] = 100,
    seed: Annotated[int, typer.Option(help="Same seed, same schedule.")] = 1,
    runners: Annotated[
        int | None, typer.Option(min=1, help="Processes that run streams at the same time; 4, with --kafka 1.")
    ] = None,
    only: Annotated[list[str] | None, typer.Option(help="Only faults whose name contains this.")] = None,
    mutant: Annotated[
        Mutant, typer.Option(help="A mistake to build into the workers: the run must fail.")
    ] = Mutant.NONE,
    load: Annotated[int, typer.Option(min=0, help="Busy loops that take the CPU from everything.")] = 0,
    kafka: Annotated[
        Nodes, typer.Option(help="Nodes of an Apache Kafka, started in each runner; 0 for the embedded broker.")
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
    """Inject faults into workers and what is around them, then count what was lost, repeated or miscounted."""
    console = Console(stderr=as_json)
    began = time.monotonic()
    deployment = _deployment(kafka, bootstrap_servers, redis_url, preset, guarantee)
    possible = [fault for fault in CATALOGUE if fault.is_possible(deployment)]
    chosen = [fault for fault in possible if not only or any(part in fault.name for part in only)]
    skipped = [fault.name for fault in CATALOGUE if fault.concerns(deployment) and fault not in possible]
    if not chosen:
        raise typer.BadParameter("no event has such a name")
    streams = plan(events, seed=seed, faults=chosen)
    lines: list[Report] = []
    try:
        with interruptible(), _directory(keep) as directory, ExitStack() as resources:
            for number in range(load):
                resources.enter_context(
                    _running([sys.executable, "-c", "while True: pass"], directory, f"load-{number}")
                )
            children = []
            for number, mine in enumerate(share(streams, runners=runners or (1 if deployment.nodes else RUNNERS))):
                told = RunnerConfig(str(directory / f"runner-{number}"), mine, deployment, mutant)
                children.append(resources.enter_context(_runner(told, number, directory)))
            for line in _follow(children):
                lines.append(line)
                show_line(console, line)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    summary = summarise(lines, wanted=events, skipped=skipped)
    show_summary(console, summary)
    if as_json:
        told_at_last = {"seed": seed, "mutant": mutant.value, "seconds": round(time.monotonic() - began, 1)}
        place = {"nodes": deployment.nodes, "guarantee": deployment.guarantee_in_force}
        sys.stdout.write(json.dumps(told_at_last | place | summary.as_json()) + "\n")
    sys.exit(0 if summary.is_good else 1)


def _deployment(
    kafka: Nodes,
    bootstrap_servers: str | None,
    redis_url: str | None,
    preset: str | None,
    guarantee: Promise | None,
) -> Deployment:
    if kafka is not Nodes.NONE and bootstrap_servers is not None:
        raise typer.BadParameter("expected --kafka or --bootstrap-servers, got both")
    told = {"bootstrap_servers": bootstrap_servers, "redis_url": redis_url, "preset": preset, "guarantee": guarantee}
    deployment = msgspec.convert(told | {"nodes": int(kafka)}, Deployment)
    if (deployment.preset_in_force, deployment.guarantee_in_force) == ("embedded", "exactly_once"):
        raise typer.BadParameter("expected --kafka for exactly_once: the embedded broker has no transactions")
    return deployment


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
def _runner(told: RunnerConfig, number: int, directory: Path) -> Iterator[Child]:
    Path(told.directory).mkdir()
    path = directory / f"runner-{number}.json"
    path.write_bytes(msgspec.json.encode(told))
    command = [sys.executable, "-m", "benchmarks.chaos.runner", str(path)]
    with _running(command, directory, f"runner-{number}") as child:
        yield child


def _follow(children: Sequence[Child]) -> Iterator[Report]:
    """What the runners say, until all have ended."""
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
        if child.exit_code and b'"RunnerFailed"' not in child.log_path.read_bytes():
            yield RunnerFailed(f"a runner ended with exit code {child.exit_code}:\n{child.tail()}")


def _lines(said: bytes) -> Iterator[Report]:
    for line in said.splitlines():
        try:
            yield msgspec.json.decode(line, type=Report)
        except msgspec.MsgspecError:
            continue  # a library's own words


if __name__ == "__main__":
    typer.run(main)
