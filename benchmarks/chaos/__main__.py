"""`python -m benchmarks.chaos`: break everything, then prove that nothing was lost and nothing repeated."""

import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from benchmarks.chaos.arena import INTERRUPTED, Plan
from benchmarks.chaos.kinds import CATALOGUE, Kind
from benchmarks.chaos.outcome import Failed, Line
from benchmarks.chaos.plants import Plant
from benchmarks.chaos.report import show_line, show_summary
from benchmarks.chaos.schedule import plan, share
from benchmarks.chaos.summary import summarise
from embedded.child import Child
from embedded.interruption import interruptible

LOOK_SECONDS = 0.2
STOP_SECONDS = 40.0  # for an arena to end everything it started


def main(
    events: Annotated[int, typer.Option(min=1, help="How many strikes.")] = 100,
    seed: Annotated[int, typer.Option(help="Same seed, same schedule.")] = 1,
    arenas: Annotated[int, typer.Option(min=1, help="Streams under attack at the same time.")] = 4,
    only: Annotated[list[str] | None, typer.Option(help="Only kinds whose name contains this.")] = None,
    plant: Annotated[Plant, typer.Option(help="Break the workers on purpose: the run must fail.")] = Plant.NONE,
    load: Annotated[int, typer.Option(min=0, help="Busy loops that take the CPU from everything.")] = 0,
    bootstrap_servers: Annotated[str | None, typer.Option(help="A broker of yours.")] = None,
    redis_url: Annotated[str | None, typer.Option(help="A store of yours.")] = None,
    preset: Annotated[str | None, typer.Option(help="The worker's kafka.preset, where yours needs another.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="End with one line for machines.")] = False,
    keep: Annotated[Path | None, typer.Option(help="Keep all logs in this folder.")] = None,
) -> None:
    """Strike workers and what is around them, then count what was lost, repeated or miscounted."""
    console = Console(stderr=as_json)
    began = time.monotonic()
    possible = [kind for kind in CATALOGUE if _is_possible(kind, bootstrap_servers, redis_url)]
    chosen = [kind for kind in possible if not only or any(part in kind.name for part in only)]
    skipped = [kind.name for kind in CATALOGUE if kind not in possible]
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
            for number, mine in enumerate(share(streams, arenas=arenas)):
                told = Plan(str(directory / f"arena-{number}"), mine, plant, bootstrap_servers, redis_url, preset)
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
        sys.stdout.write(json.dumps(told_at_last | summary.as_json()) + "\n")
    sys.exit(0 if summary.is_good else 1)


def _is_possible(kind: Kind, bootstrap_servers: str | None, redis_url: str | None) -> bool:
    match kind.needs:
        case "broker-line":
            return bootstrap_servers is None
        case "own-store":
            return redis_url is None
        case "store-line":
            return redis_url is None or redis_url.startswith("redis://")
        case None:
            return True


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
