"""`python -m worker`: run a worker, check its surroundings, tend its clusters and its dead letters."""

import logging
from dataclasses import asdict
from typing import Annotated, Any

import msgspec
import typer

from textsieve.terminal import printable
from textsieve.worker import logs
from textsieve.worker.commands import clusters, dead_letters
from textsieve.worker.commands.check_report import report_lines
from textsieve.worker.commands.console import Config, Overrides, exit_codes, tell
from textsieve.worker.errors import ConfigurationError
from textsieve.worker.loading import load_settings, reference_table
from textsieve.worker.settings import Settings

cli = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # a plain traceback shows no values: they could be texts or secrets
    rich_markup_mode=None,  # boxes cut the names of variables off
    help="Labels and clusters a stream of short texts.",
)
cli.add_typer(clusters.cli, name="clusters")
cli.add_typer(dead_letters.cli, name="dead-letters")


@cli.command()
def run(config: Config = None, overrides: Overrides = None) -> None:
    """Label messages until SIGTERM or SIGINT."""
    with exit_codes():
        settings = load_settings(config=config, overrides=overrides or ())
        from textsieve.worker import app  # noqa: PLC0415  # a wrong setting is told at once, not after torch has loaded

        app.run(settings)


@cli.command()
def check(
    config: Config = None,
    overrides: Overrides = None,
    model: Annotated[
        str | None,
        typer.Option(help="Only examine this model: a folder or hub id; neither broker nor topics are needed."),
    ] = None,
    text: Annotated[str | None, typer.Option(help="With --model: try this text, alone and in a batch.")] = None,
    json: Annotated[bool, typer.Option("--json", help="One line for machines.")] = False,
) -> None:
    """Read the settings, reach broker and store, load the model, then exit."""
    with exit_codes():
        if text is not None and model is None:
            raise ConfigurationError(
                "--text: expected --model too, got --text alone; name the model that shall read it"
            )
        chosen = [] if model is None else [f"model.path={model}"]
        settings = load_settings(config=config, overrides=[*(overrides or ()), *chosen])
        logs.configure(level="warning", style="console")
        logging.getLogger("kafka").handlers = [logging.NullHandler()]  # an absent broker is told once
        found = _examined(settings, text) if model is not None else _checked(settings)
        if json:
            tell(msgspec.json.encode(found).decode())
            return
        for line in report_lines(found):
            tell(printable(line, keep="\n"))


def _checked(settings: Settings) -> dict[str, Any]:
    from textsieve.worker.wiring import preflight  # noqa: PLC0415  # as above

    return asdict(preflight.check(settings))


def _examined(settings: Settings, text: str | None) -> dict[str, Any]:
    from textsieve.worker.inference.model_check import TEXT, check_model  # noqa: PLC0415  # as above

    return asdict(check_model(settings.model, max_message_bytes=settings.output.max_message_bytes, text=text or TEXT))


@cli.command()
def settings() -> None:
    """Print every option, its default and what it does, as a Markdown table."""
    with exit_codes():
        tell(reference_table())


if __name__ == "__main__":
    cli()
