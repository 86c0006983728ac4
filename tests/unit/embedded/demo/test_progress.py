import io
import json

import pytest
from rich.console import Console

from textsieve.embedded.demo.live import line, live_view, table
from textsieve.embedded.demo.progress import Progress
from textsieve.embedded.topics import Names
from textsieve.worker.records import Record
from textsieve.worker.testing import ManualClock

NAMES = Names("messages", "labels", "dead-letters", "group", "space")


def message(offset: int) -> Record:
    return Record("messages", 0, offset, None, b"{}", 0)


def result(offset: int, *, text: str = "hello", distance: float = 0.5, after_ms: int = 100) -> Record:
    cluster = {"id": 4, "distance": distance, "version": 1}
    value = {"label": "ham", "text": text, "cluster": cluster, "source": {"timestamp_ms": 0}, "processed_ms": after_ms}
    headers = (("textsieve.source", f"messages/0/{offset}".encode()), ("textsieve.worker", b"w1"))
    return Record("labels", 0, offset, None, json.dumps(value).encode(), 0, headers)


def dead_letter(offset: int) -> Record:
    return Record("dead-letters", 0, 0, None, None, 0, (("textsieve.source", f"messages/0/{offset}".encode()),))


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def progress(clock) -> Progress:
    return Progress(NAMES, clock)


def test_lag_is_what_has_no_answer_yet(progress) -> None:
    progress.add([message(0), message(1), message(2), result(0), dead_letter(1)])

    assert (1, 1, 1) == (progress.lag, progress.labelled, progress.dead_letters)


def test_an_answer_that_comes_before_its_message_is_seen_is_no_negative_lag(progress) -> None:
    progress.add([result(0)])

    assert 0 == progress.lag


def test_a_repeat_counts_once(progress) -> None:
    progress.add([message(0), result(0), result(0)])

    assert (1, 1) == (progress.labelled, progress.workers["w1"])


def test_the_example_of_a_cluster_is_the_text_nearest_to_its_centroid(progress) -> None:
    progress.add([result(0, text="far", distance=0.9), result(1, text="near", distance=0.2), result(2, text="so so")])

    assert "near" == progress.examples[4].text


def test_throughput_forgets_what_is_long_ago(progress, clock) -> None:
    progress.add([result(0), result(1), result(2), result(3), result(4)])
    early = progress.messages_per_second
    clock.advance(5.5)

    assert (1.0, 0.0) == (early, progress.messages_per_second)


def test_latency_is_unknown_before_the_first_result(progress) -> None:
    assert progress.latency_seconds(0.5) is None


def test_the_table_shows_texts_as_they_are_and_on_one_line(progress) -> None:
    progress.add([message(0), result(0, text="[bold]win\nnow[/bold]")])
    console = Console(file=io.StringIO(), width=100)

    console.print(table(progress))

    assert "[bold]win now[/bold]" in console.file.getvalue()


def test_no_text_or_label_in_the_table_can_command_the_terminal(progress) -> None:
    console = Console(file=io.StringIO(), width=200)
    progress.add([message(0), result(0, text="\x1b[2J\u202e\x9b[bold]\x07")])
    progress.labels["\x1b[31mspam"] = 1

    console.print(table(progress))

    assert r"\x1b[2J\u202e\x9b[bold]\x07" in console.file.getvalue()
    assert r"\x1b[31mspam" in console.file.getvalue()


def test_without_a_terminal_there_is_a_line_now_and_then(progress) -> None:
    progress.add([message(0), message(1), result(0)])
    console = Console(file=io.StringIO(), width=100)

    with live_view(console) as show:
        show(progress)
        show(progress)

    assert line(progress) == "1/2 answered, 0 messages/s, p50 100 ms, p99 100 ms, lag 1, 0 dead letters"
    assert [line(progress)] == console.file.getvalue().splitlines()[2:]  # below a heading and the result


def test_results_are_shown_with_their_labels_as_soon_as_they_come(progress) -> None:
    console = Console(file=io.StringIO(), width=80)
    with live_view(console) as show:
        progress.add([message(0), result(0, text="the first")])
        show(progress)

    heading, first, *_ = console.file.getvalue().splitlines()
    assert heading.split() == ["label", "score", "group", "text"]
    assert ("ham", "#4", "the first") == (first.split()[0], first.split()[2], first.split("  ")[-1])


def test_of_many_results_at_once_the_newest_few_are_shown(progress) -> None:
    console = Console(file=io.StringIO(), width=80)
    with live_view(console) as show:
        progress.add([result(offset, text=f"text {offset}") for offset in range(100)])
        show(progress)

    assert ["text 97", "text 98", "text 99"] == [
        line.split("  ")[-1] for line in console.file.getvalue().splitlines() if "text 9" in line
    ]
