"""`dead-letters`: look at them, send them to the input again."""

from datetime import UTC, datetime
from typing import Annotated

import msgspec
import typer

from textsieve.output import standard_output, write_line
from textsieve.worker import dead_letter_tables, logs
from textsieve.worker.commands.console import Config, Overrides, exit_codes, show, tell, waiting
from textsieve.worker.dead_letter_records import Selection, parse_since
from textsieve.worker.errors import ConfigurationError
from textsieve.worker.loading import load_settings
from textsieve.worker.records import REASONS

cli = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Look at the dead letters, send them to the input again."
)

Reasons = Annotated[list[str] | None, typer.Option("--reason", help="Only these reasons; may be given again.")]
Topics = Annotated[list[str] | None, typer.Option("--topic", help="Only from these input topics; may be given again.")]
Since = Annotated[str | None, typer.Option(help="Only messages newer than 15m, 2h, 7d, or an ISO 8601 time.")]


@cli.command("list")
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
    with exit_codes():
        settings = load_settings(config=config, overrides=overrides or ())
        selection = _selection(reasons, topics, since)
        from textsieve.worker.connectors.kafka.dead_letters import read_dead_letters  # noqa: PLC0415  # a wrong option is told at once

        logs.configure(level="warning", style="console")
        with waiting(f"reading {settings.kafka.dead_letter_topic}"):
            found = dead_letter_tables.newest(read_dead_letters(settings.kafka, selection), limit=limit)
        if not json:
            show(dead_letter_tables.dead_letter_table(found, show_text=show_text))
            return
        for letter in found.letters:
            with standard_output() as out:
                write_line(out, msgspec.json.encode(dead_letter_tables.dead_letter_json(letter, show_text=show_text)))


@cli.command()
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
    with exit_codes():
        if yes and dry_run:
            raise ConfigurationError("--yes, --dry-run: expected one of them, got both")
        settings = load_settings(config=config, overrides=overrides or ())
        selection = _selection(reasons, topics, since)
        from textsieve.worker.connectors.kafka import dead_letters as source  # noqa: PLC0415  # as above

        logs.configure(level="warning", style="console")
        with waiting("reading the dead letters, and what was replayed before"):
            made = source.plan_replay(settings.kafka, selection, again=again).first(limit)
        summary = {"sendable": len(made.sendable), "refused": made.refused}
        if not json:
            show(dead_letter_tables.plan_table(made))
        if yes or dry_run is False:
            with waiting(f"sending {len(made.sendable)} messages"):
                summary["sent"] = source.replay(settings, selection, made)
        sent = summary.get("sent")
        told = f"nothing was sent: --yes sends {len(made.sendable)}" if sent is None else f"sent {sent}"
        tell(msgspec.json.encode(summary).decode() if json else f"{told} messages")


def _selection(reasons: list[str] | None, topics: list[str] | None, since: str | None) -> Selection:
    if unknown := set(reasons or ()) - set(REASONS):
        raise ConfigurationError(f"--reason: expected one of {', '.join(REASONS)}, got {', '.join(sorted(unknown))}")
    since_ms = None if since is None else parse_since(since, now=datetime.now(UTC))
    return Selection(frozenset(reasons or ()), frozenset(topics or ()), since_ms)
