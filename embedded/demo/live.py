"""Shows a running demo: messages with their labels as they come, and how far it is."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from textsieve.embedded.demo.progress import Progress
from textsieve.embedded.results import Labelled
from textsieve.lines import Cluster, Result, heading, printer, result_line
from textsieve.terminal import printable

FRAMES_PER_SECOND = 4
LINE_SECONDS = 5.0  # between two lines on how far it is, where there is no terminal
RESULTS_SECONDS = 0.25  # between two looks at the newest results: a dozen lines a second can be followed
CLUSTERS_SHOWN = 8

Display = Callable[[Progress], object]


@contextmanager
def live_view(console: Console) -> Iterator[Display]:
    """Yield a function that shows the progress; call it as often as you like, it leaves most calls out.

    On a terminal a table below the messages changes in place; elsewhere a line says now and then how far it is.
    """
    results = _at_most_every(RESULTS_SECONDS, _results_to(console))
    if console.is_terminal:
        with Live(console=console, refresh_per_second=FRAMES_PER_SECOND, transient=True) as live:
            far = _at_most_every(1 / FRAMES_PER_SECOND, lambda progress: live.update(table(progress)))
            yield lambda progress: (results(progress), far(progress))
    else:
        far = _at_most_every(LINE_SECONDS, lambda progress: _print_line(console, progress))
        yield lambda progress: (results(progress), far(progress))


def _results_to(console: Console) -> Display:
    """Prints the newest results, below a heading that comes with the first of them."""
    show = printer(console)
    is_begun = False

    def newest(progress: Progress) -> None:
        nonlocal is_begun
        if progress.newest and not is_begun:
            show(heading())
            is_begun = True
        while progress.newest:
            show(result_line(as_shown(progress.newest.popleft())))

    return newest


def as_shown(result: Labelled) -> Result:
    """What a line says of it."""
    cluster = None if result.cluster is None else Cluster(result.cluster.id)
    return Result(result.label, result.score, result.text, cluster, result.normalized)


def _print_line(console: Console, progress: Progress) -> None:
    if progress.inputs:
        console.print(line(progress), soft_wrap=True, highlight=False)


def line(progress: Progress) -> str:
    """The progress in one line."""
    return (
        f"{len(progress.answered)}/{len(progress.inputs)} answered, {progress.messages_per_second:.0f} messages/s,"
        f" p50 {seconds(progress.latency_seconds(0.5))}, p99 {seconds(progress.latency_seconds(0.99))},"
        f" lag {progress.lag}, {progress.dead_letters} dead letters"
    )


def table(progress: Progress) -> Group:
    """The progress as tables: the flow, the labels, the biggest clusters."""
    return Group(_flow(progress), _labels(progress), cluster_table(progress))


def cluster_table(progress: Progress) -> Table:
    """The biggest clusters with the text nearest to each centroid."""
    shown = Table("cluster", "texts", "nearest text", title="biggest clusters", title_justify="left", box=None)
    for cluster, count in progress.clusters.most_common(CLUSTERS_SHOWN):
        text = Text(printable(" ".join(progress.examples[cluster].text.split())), overflow="ellipsis", no_wrap=True)
        shown.add_row(str(cluster), str(count), text)
    return shown


def seconds(value: float | None) -> str:
    """A duration for people."""
    if value is None:
        return "-"
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.1f} s"


def _flow(progress: Progress) -> Table:
    flow = Table("produced", "labelled", "dead letters", "lag", "messages/s", "p50", "p99", "workers", box=None)
    flow.add_row(
        str(len(progress.inputs)),
        str(progress.labelled),
        str(progress.dead_letters),
        str(progress.lag),
        f"{progress.messages_per_second:.0f}",
        seconds(progress.latency_seconds(0.5)),
        seconds(progress.latency_seconds(0.99)),
        str(len(progress.workers)),
    )
    return flow


def _labels(progress: Progress) -> Table:
    mix = Table("label", "texts", "share", title="labels", title_justify="left", box=None)
    for label, count in progress.labels.most_common():
        mix.add_row(Text(printable(label)), str(count), f"{count / progress.labelled:.1%}")
    return mix


def _at_most_every(interval_seconds: float, show: Display) -> Display:
    shown_at = float("-inf")

    def throttled(progress: Progress) -> None:
        nonlocal shown_at
        if time.monotonic() - shown_at >= interval_seconds:
            shown_at = time.monotonic()
            show(progress)

    return throttled
