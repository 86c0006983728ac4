"""`textsieve tail`: shows results as they come."""

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain, islice
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from textsieve.cli.console import AsJson, Config, Overrides, errors, exit_codes
from textsieve.lines import Result, heading, printer, result_line
from textsieve.output import on_terminal, standard_output, write_line
from textsieve.worker import logs
from textsieve.worker.loading import load_settings
from textsieve.worker.records import Record

TIME_WIDTH = 9  # columns of `12:34:56 `

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)

Show = Callable[[Record, Result], object]
_decode = msgspec.json.Decoder(Result).decode


@dataclass(frozen=True, slots=True)
class Filter:
    """Which results are shown; an empty set lets all pass."""

    labels: frozenset[str] = frozenset()
    clusters: frozenset[int] = frozenset()
    obfuscated_only: bool = False

    def takes(self, result: Result) -> bool:
        """Whether a result is among those that are asked for."""
        if self.labels and result.label not in self.labels:
            return False
        if self.clusters and (result.cluster is None or result.cluster.id not in self.clusters):
            return False
        return result.is_disguised or not self.obfuscated_only


@app.command()
def tail(
    *,
    config: Config = None,
    overrides: Overrides = None,
    labels: Annotated[list[str] | None, typer.Option("--label", help="Only this label; may be given again.")] = None,
    clusters: Annotated[
        list[int] | None, typer.Option("--cluster", help="Only this cluster; may be given again.")
    ] = None,
    obfuscated: Annotated[bool, typer.Option("--obfuscated", help="Only texts whose spelling was disguised.")] = False,
    from_beginning: Annotated[
        bool, typer.Option("--from-beginning", help="All results that are there, then those to come.")
    ] = False,
    follow: Annotated[
        bool, typer.Option(help="Wait for more; with --no-follow: all results that are there, and the end.")
    ] = True,
    limit: Annotated[int | None, typer.Option(min=1, help="End after so many.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show results as they come: lines on a terminal, JSON lines, as they stand in the topic, in a pipe.

    The topic is `kafka.output_topic` of the workers' settings; nothing is committed and no group is joined.

    Exit codes: 0 after --limit or --no-follow; 130 after Ctrl-C; 1 no broker; 2 a wrong option, setting or topic.
    """
    with exit_codes():
        logs.configure(level="warning", style="console")
        in_lines = as_json or not on_terminal()
        settings = load_settings(config=config, overrides=overrides or ())
        from textsieve.worker.connectors.kafka.consumer import topic_reader  # noqa: PLC0415  # a wrong option is told at once

        topic = settings.kafka.output_topic
        records = (
            chain.from_iterable(
                topic_reader.tail(
                    settings.kafka,
                    topic,
                    from_beginning=from_beginning,
                    absent=lambda: _say(f"waiting for topic {topic}: a worker makes it at its start"),
                )
            )
            if follow
            else topic_reader.read_to_end(settings.kafka, [topic])
        )
        wanted = Filter(frozenset(labels or ()), frozenset(clusters or ()), obfuscated)
        show = _json_lines if in_lines else _table(topic)
        try:
            show_all(records, wanted, show, limit=limit)
        except BrokenPipeError:  # `... | head` has enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def show_all(records: Iterable[Record], wanted: Filter, show: Show, *, limit: int | None = None) -> None:
    """Show the results among the records that are wanted; what is no result is nobody's, and left out."""
    for record, result in islice(_wanted(records, wanted), limit):
        show(record, result)


def _wanted(records: Iterable[Record], wanted: Filter) -> Iterator[tuple[Record, Result]]:
    for record in records:
        with suppress(msgspec.MsgspecError):
            result = _decode(record.value or b"")
            if wanted.takes(result):
                yield record, result


def _json_lines(record: Record, _: Result) -> None:
    with standard_output() as out:
        write_line(out, record.value or b"")


def _table(topic: str) -> Show:
    show = printer(Console())
    _say(f"results of {topic}, until Ctrl-C")
    show(heading(before=" " * TIME_WIDTH))
    return lambda record, result: show(result_line(result, before=_time(record.timestamp_ms)))


def _say(what: str) -> None:
    errors.print(what, style="dim", markup=False)


def _time(timestamp_ms: int) -> str:
    try:
        return time.strftime("%H:%M:%S ", time.localtime(timestamp_ms / 1000))
    except (OverflowError, OSError, ValueError):  # a sender may claim any time
        return " " * TIME_WIDTH
