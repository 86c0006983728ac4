"""`python -m embedded`: a broker and a store without Docker, and the demo built on them."""

import logging
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from textsieve.embedded.broker import Broker
from textsieve.embedded.command_line import FAULT, exit_codes, serve
from textsieve.embedded.demo import report
from textsieve.embedded.demo.config import DemoConfig
from textsieve.embedded.demo.console_log import ConsoleLog, next_steps
from textsieve.embedded.demo.message_source import Scenario, TextFile
from textsieve.embedded.demo.run import run
from textsieve.embedded.interruption import interruptible
from textsieve.embedded.kafka.command import kafka
from textsieve.embedded.services import start_services
from textsieve.embedded.store import Store
from textsieve.files.layout import Format, Layout

app = typer.Typer(
    help=__doc__, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None
)
app.command()(kafka)

PASTE = "Paste these lines into every other terminal that is to use them. Ctrl-C here ends broker and store."

BrokerBin = Annotated[Path | None, typer.Option(help="A Tansu program instead of the one from the wheel.")]
StoreBin = Annotated[Path | None, typer.Option(help="A valkey-server or redis-server instead of the one found.")]


@app.command()
def up(
    *,
    broker_port: Annotated[
        int | None, typer.Option(help="Of the broker, on loopback; a free one if not given.")
    ] = None,
    store_port: Annotated[int | None, typer.Option(help="Of the store, on loopback; a free one if not given.")] = None,
    broker_bin: BrokerBin = None,
    store_bin: StoreBin = None,
    store_dir: Annotated[
        Path | None, typer.Option(file_okay=False, help="Keep the store's data here; else it forgets at its end.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the settings as one JSON line.")] = False,
) -> None:
    """Start a broker and a store on loopback, print the settings that use them, and serve until interrupted."""
    with (
        exit_codes(),
        interruptible(),
        start_services(
            None,
            None,
            broker=partial(Broker, port=broker_port, binary=broker_bin),
            store=partial(Store, port=store_port, binary=store_bin, data_directory=store_dir),
        ) as services,
    ):
        typer.echo(msgspec.json.encode(services.settings) if as_json else services.exports)
        if sys.stdout.isatty() and not as_json:
            typer.echo(PASTE, err=True)
        serve(services.check)


@app.command()
def demo(
    *,
    messages: Annotated[
        int | None, typer.Option(min=10, help="How many to send: 2000 generated ones, or the whole file, if not given.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the generated messages: the same seed, the same messages.")] = 0,
    rate: Annotated[
        float | None, typer.Option(min=0.1, help="Messages per second to send; as fast as possible if not given.")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Worker processes.")] = 2,
    partitions: Annotated[int, typer.Option(min=1, help="Of each topic; at least one for every worker.")] = 4,
    file: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="Your texts: .csv, .tsv, .jsonl, .json, .txt, each also .gz."),
    ] = None,
    file_format: Annotated[
        Format | None, typer.Option("--format", help="Format of the file; by its suffix if not given.")
    ] = None,
    encoding: Annotated[
        str | None, typer.Option(help="Of the file; by its byte order mark, or UTF-8, if not given.")
    ] = None,
    delimiter: Annotated[
        str | None,
        typer.Option(help="Between its columns, such as ; or tab; found by the column of the text if not given."),
    ] = None,
    no_header: Annotated[
        bool, typer.Option("--no-header", help="Its first row is a row; columns are called 1, 2, 3.")
    ] = False,
    no_quotes: Annotated[
        bool, typer.Option("--no-quotes", help="Double quotes in it are characters like any other.")
    ] = False,
    text_column: Annotated[str, typer.Option(help="Column of the file with the text, by name or number.")] = "text",
    label_column: Annotated[str, typer.Option(help="Column of the file with the true label, if it has one.")] = "label",
    bootstrap_servers: Annotated[
        str | None, typer.Option(help="A broker of yours (no TLS, no login) instead of the embedded one.")
    ] = None,
    redis_url: Annotated[str | None, typer.Option(help="A Redis of yours instead of the embedded store.")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="section.option=value for every worker; may be repeated.")
    ] = None,
    timeout_seconds: Annotated[float, typer.Option(min=1, help="For sending and labelling everything.")] = 1800,
    log_dir: Annotated[
        Path | None, typer.Option(file_okay=False, help="Keep the logs of workers and producer here.")
    ] = None,
    broker_bin: BrokerBin = None,
    store_bin: StoreBin = None,
    keep: Annotated[bool, typer.Option("--keep", help="Leave broker and store up until interrupted.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="End with the summary as one JSON line.")] = False,
) -> None:
    """Feed real workers over a real broker and store, watch them, and check what became of every message."""
    console = Console(stderr=True)
    log = ConsoleLog(console, started_ms=time.time_ns() // 1_000_000)
    logging.getLogger("kafka").setLevel(logging.CRITICAL)  # what matters of its retries is in our own messages
    with exit_codes():
        layout = Layout(file_format, encoding, delimiter, header=not no_header, quotes=not no_quotes)
        source = Scenario(seed) if file is None else TextFile(file, text_column, label_column, layout)
        config = DemoConfig(
            source=source,
            messages=source.count(messages),
            rate=rate,
            workers=workers,
            partitions=max(partitions, workers),
            settings=tuple(settings or ()),
            deadline_seconds=timeout_seconds,
            keep=keep,
        )
        if file is not None:
            log.name_skipped(file, source.skipped(messages))
        log.say("starting a broker and a store" if not bootstrap_servers else f"using {bootstrap_servers}")
    with (
        exit_codes(),
        interruptible(),
        _log_directory(log_dir) as directory,
        start_services(
            bootstrap_servers,
            redis_url,
            broker=partial(Broker, binary=broker_bin),
            store=partial(Store, binary=store_bin),
        ) as services,
    ):
        outcome = run(services, config, directory=directory, log=log)
        if as_json:
            if outcome.comparison is not None:
                report.print_comparison(console, outcome.comparison)
            typer.echo(report.as_json(outcome))
        else:
            report.print_outcome(Console(), outcome)
        for fault in outcome.faults:
            typer.echo(f"FAULT: {fault}", err=True)
        steps = next_steps(settings=outcome.left, file=file, labelled=outcome.comparison is not None)
        if keep:
            typer.echo(f"{steps}\nserving until Ctrl-C", err=True)
            serve(services.check)
        elif not as_json:
            typer.echo(steps, err=True)
    raise typer.Exit(FAULT if outcome.faults else 0)


@contextmanager
def _log_directory(chosen: Path | None) -> Iterator[Path]:
    """The chosen directory, or a temporary one."""
    if chosen is not None:
        chosen.mkdir(parents=True, exist_ok=True)
        yield chosen
        return
    with tempfile.TemporaryDirectory(prefix="textsieve-demo-") as temporary:
        yield Path(temporary)


if __name__ == "__main__":
    app()
