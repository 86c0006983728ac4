"""`textsieve classify`: labels texts with the workers' model and clusters, without any broker."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console

from textsieve.cli.console import FAULT, AsJson, Config, Overrides, errors, exit_codes
from textsieve.cli.read_ahead import batches_read_ahead
from textsieve.files.layout import Format, Layout
from textsieve.files.sources import Source, find_source, names_file
from textsieve.lines import Result, heading, printer, result_line
from textsieve.output import on_terminal, standard_output, write_line
from textsieve.producer.columns import Columns
from textsieve.producer.messages import Message, encode
from textsieve.producer.reading import check_sources, read_messages
from textsieve.terminal import printable
from textsieve.worker import logs
from textsieve.worker.errors import ConfigurationError
from textsieve.worker.loading import load_settings

BATCH = 256  # texts at a time: enough for full device batches, few enough to see the first ones soon

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command()
def classify(
    inputs: Annotated[
        list[str] | None,
        typer.Argument(
            help="A text, a file (.csv, .tsv, .jsonl, .json, .txt, each also .gz), or - for standard input."
        ),
    ] = None,
    *,
    config: Config = None,
    overrides: Overrides = None,
    text_column: Annotated[str, typer.Option(help="Column or key of the text, in files.")] = "text",
    file_format: Annotated[
        Format | None, typer.Option("--format", help="Of files without a suffix, and of standard input: text there.")
    ] = None,
    encoding: Annotated[
        str | None, typer.Option(help="Of files and of standard input; by the byte order mark, or UTF-8, if unset.")
    ] = None,
    delimiter: Annotated[
        str | None, typer.Option(help="Between the columns of a table, such as ; or tab; found out if unset.")
    ] = None,
    no_header: Annotated[
        bool, typer.Option("--no-header", help="The first row of a table is a row; columns are called 1, 2, 3.")
    ] = False,
    no_quotes: Annotated[
        bool, typer.Option("--no-quotes", help="Double quotes in a table are characters like any other.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Label texts: a table on a terminal, JSON lines in a pipe. No broker is needed.

    Model and normalisation are those of the workers' settings, and so are the clusters where `redis.url` is set.

    Exit codes: 0 all were labelled; 1 some could not be; 2 a wrong option, setting or file.
    """
    with exit_codes():
        logs.configure(level="warning", style="console")
        in_lines = as_json or not on_terminal()
        settings = load_settings(config=config, overrides=overrides or ())
        names = inputs or _standard_input()
        row_errors: list[str] = []
        layout = Layout(file_format, encoding, delimiter, header=not no_header, quotes=not no_quotes)
        messages = _messages(names, Columns(text_column), layout, row_errors.append)
        with errors.status("loading the model"):
            from textsieve.cli.labelling import labeller  # noqa: PLC0415  # a wrong option is told before seconds pass

            label = labeller(settings, warn=lambda warning: errors.print(f"warning: {warning}", markup=False))
        show = _json_lines if in_lines else _table()
        bad = 0
        for batch in batches_read_ahead(messages, most=BATCH):
            for message, answer in zip(batch, label([message.value for message in batch]), strict=True):
                show(message, answer)
                bad += "error" in answer
        for row_error in row_errors:
            errors.print(f"left out: {printable(row_error)}", markup=False)
    sys.exit(FAULT if bad or row_errors else 0)


def _standard_input() -> list[str]:
    if sys.stdin is not None and sys.stdin.isatty():
        raise ConfigurationError(
            'nothing to label: expected a text, a file or -, as in `textsieve classify "you won a prize"`'
        )
    return ["-"]


def _messages(
    names: list[str], columns: Columns, layout: Layout, on_bad_row: Callable[[str], object]
) -> Iterator[Message]:
    """The messages that the producer would send of each: a text by itself, or the rows of a file.

    Raises:
        ConfigurationError: of the producer: the columns do not fit.
        UnreadableFile: a file does not fit.
    """
    sources = [_source(name, layout) if names_file(name) else name for name in names]
    files = [source for source in sources if isinstance(source, Source)]
    for file in files:
        check_sources([file], Columns() if file.format is Format.TEXT else columns, passes=1)
    return _all(sources, columns, on_bad_row)


def _source(name: str, layout: Layout) -> Source:
    if name == "-" and layout.format is None:
        layout = replace(layout, format=Format.TEXT)
    return find_source(name, stdin=None if sys.stdin is None else sys.stdin.buffer, layout=layout)


def _all(sources: list[Source | str], columns: Columns, on_bad_row: Callable[[str], object]) -> Iterator[Message]:
    for source in sources:
        if isinstance(source, str):
            yield Message(None, encode(source, document_id=None, attributes={}))
        else:
            fitting = Columns() if source.format is Format.TEXT else columns
            yield from read_messages([source], fitting, passes=1, on_bad_row=on_bad_row)


def _json_lines(message: Message, answer: dict[str, Any]) -> None:
    where = {"origin": message.origin} if message.origin else {}
    with standard_output() as out:
        write_line(out, msgspec.json.encode(answer | where))


def _table() -> Callable[[Message, dict[str, Any]], None]:
    show = printer(Console())
    show(heading())

    def row(message: Message, answer: dict[str, Any]) -> None:
        if "error" in answer:
            errors.print(
                printable(f"{message.origin or 'the text'}: {answer['error']}: {answer['detail']}"), markup=False
            )
        else:
            show(result_line(msgspec.convert(answer, Result)))

    return row
