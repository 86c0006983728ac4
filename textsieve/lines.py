"""One result as a line for people."""

from collections.abc import Callable
from zlib import crc32

import msgspec
from rich.console import Console
from rich.text import Text

from textsieve.terminal import printable

LABEL_WIDTH = 12  # columns; longer names are cut
COLOURS = ("green", "red", "yellow", "blue", "magenta", "cyan", "bright_green", "bright_red", "bright_blue")


class Cluster(msgspec.Struct, frozen=True):
    """The nearest centroid."""

    id: int


class Result(msgspec.Struct, frozen=True):
    """What a line says of a result, from docs/messages.md."""

    label: str
    score: float
    text: str | None = None
    cluster: Cluster | None = None
    normalized: tuple[str, ...] = ()  # the rules by which its spelling was disguised
    obfuscated: bool = False  # all that results of before say of it

    @property
    def is_disguised(self) -> bool:
        """Whether its spelling was."""
        return bool(self.normalized) or self.obfuscated


def result_line(result: Result, *, before: str = "") -> Text:
    """Label, score, cluster and text; a mark where the spelling was disguised.

    Args:
        result: of one message.
        before: shown first, such as a time.
    """
    cluster = "-" if result.cluster is None else f"#{result.cluster.id}"
    label = printable(result.label)
    shown = Text().append(before, style="dim")
    shown.append(f"{label[:LABEL_WIDTH]:<{LABEL_WIDTH}} ", style=colour(result.label))
    shown.append(f"{result.score:6.1%} {cluster:>5}  ")
    if result.is_disguised:
        shown.append(f"disguised ({', '.join(map(printable, result.normalized)) or '?'}) ", style="yellow")
    shown.append("" if result.text is None else printable(" ".join(result.text.split())))
    return shown


def heading(*, before: str = "") -> Text:
    """The names of the columns of `result_line`."""
    return Text(f"{before}{'label':<{LABEL_WIDTH}} {'score':>6} {'group':>5}  text", style="dim")


def colour(label: str) -> str:
    """The same for the same label, today and tomorrow."""
    return COLOURS[_place(label)]


def _place(label: str) -> int:
    known = {"ham": 0, "spam": 1}  # of the model that is built in: good is green
    return known.get(label, crc32(label.encode("utf-8", "surrogatepass")) % len(COLOURS))


def printer(console: Console) -> Callable[[Text], None]:
    """Prints lines that never wrap: what does not fit is cut with an ellipsis."""
    return lambda line: console.print(line, overflow="ellipsis", no_wrap=True, crop=True, highlight=False)
