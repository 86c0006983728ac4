"""`python -m trainer`: the command line of the trainer."""

import typer

from trainer.commands.cluster import cluster
from trainer.commands.compare import compare
from trainer.commands.console import saying_what_is_missing
from trainer.commands.evaluate import evaluate
from trainer.commands.fit import fit
from trainer.commands.inspect import inspect
from trainer.commands.seed import seed
from trainer.commands.split import split
from trainer.commands.threshold import threshold
from trainer.commands.tradeoff import tradeoff
from worker import logs

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


app.command()(saying_what_is_missing(split))
app.command()(saying_what_is_missing(fit))
app.command()(saying_what_is_missing(evaluate))
app.command()(saying_what_is_missing(threshold))
app.command()(saying_what_is_missing(cluster))
app.command()(saying_what_is_missing(seed))
app.command()(saying_what_is_missing(compare))
app.command()(saying_what_is_missing(tradeoff))
app.command()(saying_what_is_missing(inspect))


if __name__ == "__main__":
    app()
