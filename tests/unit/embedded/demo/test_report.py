import io
import json
from dataclasses import replace

from rich.console import Console

from textsieve.embedded.demo.comparison import Comparison
from textsieve.embedded.demo.evaluation import Pair, evaluate
from textsieve.embedded.demo.model_card import default_model_card
from textsieve.embedded.demo.progress import Progress
from textsieve.embedded.demo.report import as_json, print_outcome
from textsieve.embedded.demo.run import Outcome
from textsieve.embedded.demo.summary import Summary
from textsieve.embedded.topics import Names
from textsieve.worker.testing import ManualClock

NAMES = Names("messages", "labels", "dead-letters", "group", "space")
NOTHING = Summary(
    produced=0,
    labelled=0,
    dead_lettered=0,
    lost=0,
    duplicates=0,
    clusters=0,
    learned=0,
    messages_per_second=None,
    p50_seconds=None,
    p99_seconds=None,
    workers=0,
    labels={},
    seconds_to_first_result=None,
)


def printed(summary: Summary, *, workers: dict[str, int], reasons: dict[str, int]) -> str:
    console = Console(file=io.StringIO(), width=100)
    outcome = Outcome(summary, [], Progress(NAMES, ManualClock()), workers, reasons, None)
    print_outcome(console, outcome)
    return console.file.getvalue()


def test_a_run_that_came_to_nothing_can_be_shown() -> None:
    assert "p50 -, p99 -" in printed(NOTHING, workers={}, reasons={})


def test_a_latency_says_that_it_holds_the_wait_in_the_backlog() -> None:
    assert "the wait behind all that were sent before" in printed(NOTHING, workers={}, reasons={})


def test_shares_are_of_all_workers_and_of_all_dead_letters() -> None:
    text = printed(NOTHING, workers={"w1": 30, "w2": 10}, reasons={"not_json": 2, "null_value": 2})

    assert [["w1", "30", "75.0%"], ["w2", "10", "25.0%"], ["not_json", "2", "50.0%"], ["null_value", "2", "50.0%"]] == [
        line.split() for line in text.splitlines() if "%" in line
    ]


def test_the_json_line_carries_the_quality_and_what_it_is_worth() -> None:
    evaluation = evaluate([Pair("spam", "spam"), Pair("ham", "spam")])
    outcome = Outcome(NOTHING, [], Progress(NAMES, ManualClock()), {}, {}, Comparison(evaluation, default_model_card()))

    quality = json.loads(as_json(outcome))["evaluation"]

    assert 0.5 == quality["accuracy"]
    assert {"ham": 0.0, "spam": 0.6667} == quality["f1"]
    assert "mean" in quality["cross_validated"]["spam.f1"]
    assert "trained on" in quality["caveat"]


def test_no_label_worker_or_reason_can_command_the_terminal() -> None:
    hostile = "\x1b[2J\u202e\x9b[bold]\n\x07"
    summary = replace(NOTHING, labelled=1, labels={hostile: 1})

    text = printed(summary, workers={hostile: 1}, reasons={hostile: 1})

    assert not {char for char in text if not char.isprintable() and char != "\n"}
    assert 3 == text.count(r"\x1b[2J\u202e\x9b[bold]\n\x07")
