"""The progress bar of every command."""

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn


def progress_bar(console: Console, *, hidden: bool = False) -> Progress:
    """A bar for each task: what it is, how much of how much is done, since when and for how long.

    Args:
        console: on stderr: standard output is for what is asked for.
        hidden: show nothing.
    """
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=hidden,
    )
