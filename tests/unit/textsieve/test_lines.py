"""A result is one line, whatever its text contains."""

import io

import pytest
from rich.console import Console

from textsieve.lines import Cluster, Result, colour, heading, printer, result_line


def shown(result: Result, *, width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    printer(console)(result_line(result))
    return console.file.getvalue()


def test_a_line_has_label_score_cluster_and_text():
    line = shown(Result("spam", 0.981, "WIN a cruise", Cluster(17)))

    assert "spam          98.1%   #17  WIN a cruise\n" == line


def test_the_heading_stands_over_its_columns():
    line, head = shown(Result("spam", 0.981, "WIN a cruise", Cluster(17))), heading().plain

    assert line.index("WIN") == head.index("text")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("two\nlines", "two lines"),
        ("\x1b[2Jgone", "\\x1b[2Jgone"),
        ("[red]no markup[/red]", "[red]no markup[/red]"),
    ],
)
def test_a_text_cannot_command_the_terminal(text, told):
    assert told in shown(Result("ham", 0.5, text))


def test_a_long_text_is_cut_and_never_wraps():
    line = shown(Result("ham", 0.5, "word " * 100), width=60)

    assert (1, 60) == (line.count("\n"), len(line.rstrip("\n")))
    assert line.endswith("…\n")


def test_a_result_without_text_cluster_or_known_label_is_shown_too():
    assert "weather       10.0%     -" == shown(Result("weather", 0.1)).rstrip()


def test_a_disguised_text_is_marked_with_the_rules():
    assert "disguised (leet) fr33" in shown(Result("spam", 0.9, "fr33", normalized=("leet",)))


def test_a_disguised_text_of_an_older_worker_is_marked_too():
    assert "disguised (?) fr33" in shown(Result("spam", 0.9, "fr33", obfuscated=True))


def test_only_what_stands_before_a_line_is_dim():
    line = result_line(Result("spam", 0.9, "WIN"), before="12:34:56 ")

    assert "" == line.style
    assert ["12:34:56 "] == [line.plain[span.start : span.end] for span in line.spans if span.style == "dim"]


def test_a_label_keeps_its_colour():
    assert colour("weather") == colour("weather")
    assert ("green", "red") == (colour("ham"), colour("spam"))
