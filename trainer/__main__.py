"""`python -m trainer`: the command line of the trainer."""

import typer

from trainer.commands.cluster import cluster
from trainer.commands.compare import compare
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


app.command()(split)
app.command()(fit)
app.command()(evaluate)
app.command()(threshold)
app.command()(cluster)
app.command()(seed)
app.command()(compare)
app.command()(tradeoff)
app.command()(inspect)


if __name__ == "__main__":
    app()
