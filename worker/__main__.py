"""`python -m worker`: run a worker, check its surroundings, tend its clusters and its dead letters."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console, RenderableType

from textsieve.output import OutputLost, standard_output, write_line
from textsieve.terminal import printable
from textsieve.worker import deadletters, listing, logs
from textsieve.worker.errors import ConfigurationError, TextsieveError
from textsieve.worker.loading import load_settings, reference_table
from textsieve.worker.records import REASONS
from textsieve.worker.settings import Settings

PIPE_WIDTH = 200  # columns where there is no terminal: rows stay on one line

cli = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # a plain traceback shows no values: they could be texts or secrets
    rich_markup_mode=None,  # boxes cut the names of variables off
    help="Labels and clusters a stream of short texts.",
)
clusters = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Tend the shared clusters.")
cli.add_typer(clusters, name="clusters")
dead_letters = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Look at the dead letters, send them to the input again."
)
cli.add_typer(dead_letters, name="dead-letters")

Config = Annotated[Path | None, typer.Option(help="TOML file; textsieve.toml in this folder if there is one.")]
Overrides = Annotated[
    list[str] | None, typer.Option("--set", help="section.option=value, stronger than file and environment.")
]
Reasons = Annotated[list[str] | None, typer.Option("--reason", help="Only these reasons; may be given again.")]
Topics = Annotated[list[str] | None, typer.Option("--topic", help="Only from these input topics; may be given again.")]
Since = Annotated[str | None, typer.Option(help="Only messages newer than 15m, 2h, 7d, or an ISO 8601 time.")]


@cli.command()
def run(config: Config = None, overrides: Overrides = None) -> None:
    """Label messages until SIGTERM or SIGINT."""
    with _exit_codes():
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
    with _exit_codes():
        if text is not None and model is None:
            raise ConfigurationError(
                "--text: expected --model too, got --text alone; name the model that shall read it"
            )
        chosen = [] if model is None else [f"model.path={model}"]
        settings = load_settings(config=config, overrides=[*(overrides or ()), *chosen])
        logs.configure(level="warning", style="console")
        found = _examined(settings, text) if model is not None else _checked(settings)
        if json:
            _tell(msgspec.json.encode(found).decode())
            return
        for name, value in found.items():
            found_so = _shown_warnings(value) if name == "warnings" else _shown(value)
            _tell(printable(f"{name}: {found_so}", keep="\n"))


def _checked(settings: Settings) -> dict[str, Any]:
    from textsieve.worker import app  # noqa: PLC0415  # as above

    return asdict(app.check(settings))


def _examined(settings: Settings, text: str | None) -> dict[str, Any]:
    from textsieve.worker.inference.model_check import TEXT, check_model  # noqa: PLC0415  # as above

    return asdict(check_model(settings.model, max_message_bytes=settings.output.max_message_bytes, text=text or TEXT))


def _shown_warnings(warnings: Sequence[str]) -> str:
    """One below the other: each may have lines of its own."""
    return "".join(f"\n- {warning}" for warning in warnings) or "none"


def _shown(value: object) -> str:
    """A finding of `check` as a person would write it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict) and "trials" in value:
        return _shown_engine(value)
    if isinstance(value, dict) and "alone" in value:
        return _shown_tried(value)
    if isinstance(value, dict) and "mean_cosine" in value:
        return (
            f"labels {value['same_labels']:.2%} as fp32 of {value['texts']} texts, probabilities within"
            f" {value['largest_difference']:.2g}, cosine {value['mean_cosine']:.5f}"
        )
    if isinstance(value, dict) and any(isinstance(one, float) for one in value.values()):
        return ", ".join(f"{name} from {least:g} on" for name, least in value.items())
    if isinstance(value, dict | tuple | list):
        return ", ".join(value) or "none"
    return str(value) or "none"


def _shown_tried(tried: Mapping[str, Any]) -> str:
    """A text, and what it was given each time."""
    alone, batch = (
        ", ".join(f"{label} {score:.4f}" for label, score in tried[name].items()) for name in ("alone", "in_a_batch")
    )
    return (
        f"{tried['text']}\n  alone: {alone}\n  in a batch: {batch}\n  they differ by {tried['largest_difference']:.1g}"
    )


def _shown_engine(report: Mapping[str, Any]) -> str:
    """What runs the model and why, then a line for each candidate."""
    trials = [
        f"\n  {trial['name']}: "
        + (
            trial["fault"]
            or f"{trial['messages_per_second']} messages/s, labels {trial['label_agreement']:.2%} as fp32,"
            f" cosine {trial['mean_cosine']}"
        )
        for trial in report["trials"]
    ]
    budget = f"{report['threads']} threads, device batches of {report['max_batch_tokens']} tokens"
    return f"{report['engine']} {report['precision']}, {report['why']}; {budget}{''.join(trials)}"


@cli.command()
def settings() -> None:
    """Print every option, its default and what it does, as a Markdown table."""
    with _exit_codes():
        _tell(reference_table())


@clusters.command()
def reset(
    config: Config = None,
    overrides: Overrides = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Forget all centroids and counts of the space: they are seeded anew from what comes next."""
    with _exit_codes():
        loaded: Settings = load_settings(config=config, overrides=overrides or ())
        if not yes:
            typer.confirm(f"Forget all clusters of space {loaded.clusters.space!r}?", abort=True)
        from textsieve.worker import app  # noqa: PLC0415  # as above

        app.reset_clusters(loaded)
        _tell(f"space {loaded.clusters.space!r} is empty")


@dead_letters.command("list")
def list_(
    *,
    config: Config = None,
    overrides: Overrides = None,
    reasons: Reasons = None,
    topics: Topics = None,
    since: Since = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, the newest.")] = 50,
    show_text: Annotated[bool, typer.Option("--show-text", help="The values too: they may be private.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One line per dead letter, for machines.")] = False,
) -> None:
    """Show dead letters: where from, when, why, how large; never their text unless asked."""
    with _exit_codes():
        settings = load_settings(config=config, overrides=overrides or ())
        selection = _selection(reasons, topics, since)
        from textsieve.worker.connectors.kafka.dead_letters import read_dead_letters  # noqa: PLC0415  # as above

        logs.configure(level="warning", style="console")
        with _waiting(f"reading {settings.kafka.dead_letter_topic}"):
            found = listing.newest(read_dead_letters(settings.kafka, selection), limit=limit)
        if not json:
            _show(listing.letter_table(found, show_text=show_text))
            return
        for letter in found.letters:
            with standard_output() as out:
                write_line(out, msgspec.json.encode(listing.letter_line(letter, show_text=show_text)))


@dead_letters.command()
def replay(
    *,
    config: Config = None,
    overrides: Overrides = None,
    reasons: Reasons = None,
    topics: Topics = None,
    since: Since = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many, the first in the topic.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Send.")] = False,
    dry_run: Annotated[bool | None, typer.Option(help="Only say what would be sent; the default.")] = None,
    again: Annotated[bool, typer.Option("--again", help="Send also what an earlier replay sent.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One line for machines.")] = False,
) -> None:
    """Send dead letters to the topics they came from, as they were; without --yes only say what would be sent."""
    with _exit_codes():
        if yes and dry_run:
            raise ConfigurationError("--yes, --dry-run: expected one of them, got both")
        settings = load_settings(config=config, overrides=overrides or ())
        selection = _selection(reasons, topics, since)
        from textsieve.worker.connectors.kafka import dead_letters as source  # noqa: PLC0415  # as above

        logs.configure(level="warning", style="console")
        with _waiting("reading the dead letters, and what was replayed before"):
            made = source.plan_replay(settings.kafka, selection, again=again).first(limit)
        summary = {"sendable": len(made.sendable), "refused": made.refused}
        if not json:
            _show(listing.plan_table(made))
        if yes or dry_run is False:
            with _waiting(f"sending {len(made.sendable)} messages"):
                summary["sent"] = source.replay(settings, selection, made)
        sent = summary.get("sent")
        told = f"nothing was sent: --yes sends {len(made.sendable)}" if sent is None else f"sent {sent}"
        _tell(msgspec.json.encode(summary).decode() if json else f"{told} messages")


def _selection(reasons: list[str] | None, topics: list[str] | None, since: str | None) -> deadletters.Selection:
    if unknown := set(reasons or ()) - set(REASONS):
        raise ConfigurationError(f"--reason: expected one of {', '.join(REASONS)}, got {', '.join(sorted(unknown))}")
    since_ms = None if since is None else deadletters.parse_since(since, now=datetime.now(UTC))
    return deadletters.Selection(frozenset(reasons or ()), frozenset(topics or ()), since_ms)


def _tell(text: str) -> None:
    with standard_output() as out:
        out.write(f"{text}\n")


def _show(table: RenderableType) -> None:
    with standard_output():
        console = Console(highlight=False)
        (console if console.is_terminal else Console(highlight=False, width=PIPE_WIDTH)).print(table)


def _waiting(on: str) -> AbstractContextManager[object]:
    """A sign of life on stderr, where that is a terminal."""
    return Console(stderr=True).status(on)


@contextmanager
def _exit_codes() -> Iterator[None]:
    """0 clean stop, 1 fault, 2 bad configuration; the reason on stderr."""
    try:
        yield
    except ConfigurationError as error:
        typer.echo(printable(f"configuration: {error}", keep="\n"), err=True)
        sys.exit(2)
    except (TextsieveError, OutputLost) as error:
        typer.echo(printable(f"stopped: {error}", keep="\n"), err=True)
        sys.exit(1)


if __name__ == "__main__":
    cli()
