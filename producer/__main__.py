"""The command line: `python -m producer`."""

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice

import typer
from rich.console import Console

from textsieve.files.errors import UnreadableFile
from textsieve.files.layout import Layout
from textsieve.files.sources import Source, find_source
from textsieve.output import OutputLost, standard_output, write_line
from textsieve.producer import options, reading, scenario
from textsieve.producer.columns import Columns
from textsieve.producer.connection import Connection, read_secret
from textsieve.producer.errors import BrokerUnavailable, ConfigurationError
from textsieve.producer.interruption import UntilInterrupted
from textsieve.producer.kafka_logs import quiet_kafka_logs
from textsieve.producer.messages import MAX_VALUE_BYTES, Message
from textsieve.producer.publisher import publish
from textsieve.producer.rate_limit import at_rate
from textsieve.producer.report import Report, to_json, to_text
from textsieve.producer.row_errors import RowErrors
from textsieve.producer.topics import DEFAULT_MAX_MESSAGE_BYTES, TopicSpec
from textsieve.progress import progress_bar
from textsieve.terminal import printable

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command()
def main(
    files: options.Files = None,
    *,
    use_scenario: options.UseScenario = False,
    seed: options.Seed = 0,
    malformed_share: options.MalformedShare = scenario.MALFORMED_SHARE,
    file_format: options.FileFormat = None,
    encoding: options.Encoding = None,
    delimiter: options.Delimiter = None,
    no_header: options.NoHeader = False,
    no_quotes: options.NoQuotes = False,
    text_column: options.TextColumn = "text",
    id_column: options.IdColumn = None,
    key_column: options.KeyColumn = None,
    rate: options.Rate = None,
    repeat: options.Repeat = 1,
    limit: options.Limit = None,
    bootstrap_servers: options.BootstrapServers = "127.0.0.1:9092",
    topic: options.Topic = "messages",
    partitions: options.Partitions = None,
    max_value_bytes: options.MaxValueBytes = MAX_VALUE_BYTES,
    max_message_bytes: options.MaxMessageBytes = DEFAULT_MAX_MESSAGE_BYTES,
    compression: options.Codec = options.Compression.LZ4,
    security_protocol: options.Protocol = options.SecurityProtocol.PLAINTEXT,
    ssl_cafile: options.SslCafile = None,
    ssl_certfile: options.SslCertfile = None,
    ssl_keyfile: options.SslKeyfile = None,
    sasl_mechanism: options.Mechanism = None,
    sasl_username: options.SaslUsername = None,
    dry_run: options.DryRun = False,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
) -> None:
    """Feed a Kafka topic with texts from files, standard input or a generated scenario.

    Exit codes: 0 everything sent was acked; 1 bad rows, failed sends or no broker; 2 a wrong option or file.
    """
    console = Console(stderr=True, highlight=False, soft_wrap=True, markup=False)
    bad_rows, failures = RowErrors(console.print), RowErrors(console.print)
    with _exit_codes(console):
        spec = TopicSpec(topic, partitions=partitions, max_message_bytes=max_message_bytes)
        connection = Connection(
            bootstrap_servers=tuple(part.strip() for part in bootstrap_servers.split(",") if part.strip()),
            security_protocol=security_protocol,
            ssl_cafile=ssl_cafile,
            ssl_certfile=ssl_certfile,
            ssl_keyfile=ssl_keyfile,
            ssl_password=read_secret(os.environ, options.ENV_PREFIX + "SSL_PASSWORD"),
            sasl_mechanism=sasl_mechanism,
            sasl_username=sasl_username,
            sasl_password=read_secret(os.environ, options.ENV_PREFIX + "SASL_PASSWORD"),
        )
        if dry_run or as_json:
            with standard_output():  # it takes nothing? then better now than when everything is sent
                pass
        if use_scenario:
            if files or repeat != 1:
                raise ConfigurationError("--scenario goes without files and without --repeat; --limit is its length")
            limit = limit or options.SCENARIO_MESSAGES
            messages = scenario.generate(limit, seed=seed, malformed_share=malformed_share)
        else:
            columns = Columns(text_column, id_column, key_column)
            layout = Layout(file_format, encoding, delimiter, header=not no_header, quotes=not no_quotes)
            sources = _find_sources(files or [], layout)
            reading.check_sources(sources, columns, passes=repeat)
            messages = reading.read_messages(
                sources, columns, passes=repeat, on_bad_row=bad_rows.add, max_value_bytes=max_value_bytes
            )
        messages = islice(messages, limit)
        stream = UntilInterrupted(messages if rate is None else at_rate(messages, rate=rate))
        with progress_bar(console, hidden=quiet or dry_run or not console.is_terminal) as progress:
            tracked = progress.track(stream, total=limit, description=topic)
            if dry_run:
                report = _print_messages(tracked, topic=topic)
            else:
                report = publish(
                    tracked,
                    connection=connection,
                    topic=spec,
                    compression=None if compression is options.Compression.NONE else compression.value,
                    on_failure=failures.add,
                    on_warning=lambda warning: console.print(f"warning: {warning}"),
                )
    bad_rows.close()
    failures.close()
    report = replace(report, bad_rows=bad_rows.count, interrupted=stream.interrupted)
    _conclude(report, console, as_json=as_json, quiet=quiet)


@contextmanager
def _exit_codes(console: Console) -> Iterator[None]:
    last_line = quiet_kafka_logs()
    try:
        yield
    except (ConfigurationError, UnreadableFile) as error:
        console.print(f"error: {printable(str(error))}")
        raise typer.Exit(2) from None
    except (BrokerUnavailable, OutputLost) as error:
        console.print(f"error: {printable(str(error))}")
        if last_line.text:
            console.print(f"the client's last log line: {printable(last_line.text)}")
        raise typer.Exit(1) from None


def _find_sources(names: list[str], layout: Layout) -> list[Source]:
    if not names:
        raise ConfigurationError("nothing to send: name files, - for standard input, or --scenario")
    stdin = None if sys.stdin is None else sys.stdin.buffer  # it may be closed
    return [find_source(name, stdin=stdin, layout=layout) for name in names]


def _print_messages(messages: Iterable[Message], *, topic: str) -> Report:
    """Print the values, a line each, byte for byte unless it is to a terminal; a tombstone is the word null."""
    count = 0
    with standard_output() as out:
        for count, message in enumerate(messages, start=1):  # noqa: B007  # counted
            write_line(out, b"null" if message.value is None else message.value)
    return Report(topic=topic, would_send=count)


def _conclude(report: Report, console: Console, *, as_json: bool, quiet: bool) -> None:
    if report.fault is not None:
        console.print(f"error: the broker was lost on the way, the rest was not sent: {printable(report.fault)}")
    if not quiet:
        console.print(to_text(report))
    if as_json:
        with _exit_codes(console), standard_output() as out:
            out.write(to_json(report) + "\n")
    raise typer.Exit(report.exit_code)


if __name__ == "__main__":
    app(prog_name="python -m producer")
