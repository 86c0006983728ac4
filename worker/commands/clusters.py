"""`clusters`: tend what all workers share."""

from typing import Annotated

import typer

from textsieve.worker.commands.console import Config, Overrides, exit_codes, tell
from textsieve.worker.loading import load_settings
from textsieve.worker.settings import Settings

cli = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Tend the shared clusters.")


@cli.command()
def reset(
    config: Config = None,
    overrides: Overrides = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Forget all centroids and counts of the space: they are seeded anew from what comes next."""
    with exit_codes():
        loaded: Settings = load_settings(config=config, overrides=overrides or ())
        if not yes:
            typer.confirm(f"Forget all clusters of space {loaded.clusters.space!r}?", abort=True)
        from textsieve.worker.wiring.store import reset_clusters  # noqa: PLC0415  # a wrong setting is told at once

        reset_clusters(loaded)
        tell(f"space {loaded.clusters.space!r} is empty")
