"""`python -m trainer`: the command line of the trainer."""

import typer

from textsieve.trainer.commands.cluster import cluster
from textsieve.trainer.commands.compare import compare
from textsieve.trainer.commands.console import naming_missing_package
from textsieve.trainer.commands.evaluate import evaluate
from textsieve.trainer.commands.fit import fit
from textsieve.trainer.commands.inspect import inspect
from textsieve.trainer.commands.seed import seed
from textsieve.trainer.commands.split import split
from textsieve.trainer.commands.threshold import threshold
from textsieve.worker import logs

app = typer.Typer(
    help="Makes and judges the models a worker serves.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback()
def main() -> None:
    """Makes and judges the models a worker serves."""
    logs.configure(level="warning", style="console")  # to stderr: stdout is for the answer


app.command()(naming_missing_package(split))
app.command()(naming_missing_package(fit))
app.command()(naming_missing_package(evaluate))
app.command()(naming_missing_package(threshold))
app.command()(naming_missing_package(cluster))
app.command()(naming_missing_package(seed))
app.command()(naming_missing_package(compare))
app.command()(naming_missing_package(inspect))


if __name__ == "__main__":
    app()
