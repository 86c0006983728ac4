"""Whoever watches is told what is waited for, and what to type next."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from textsieve.embedded.demo.console_log import ConsoleLog, next_steps, program


@pytest.fixture
def log() -> ConsoleLog:
    return ConsoleLog(Console(file=io.StringIO(), width=60), 0)


def told(log: ConsoleLog) -> str:
    return log.console.file.getvalue()


def test_a_line_has_the_seconds_and_is_not_wrapped(log) -> None:
    log.say("word " * 30)

    assert 1 == told(log).count("\n")
    assert " s  word word" in told(log)


def test_rows_that_become_no_message_are_named_up_to_a_few(log) -> None:
    log.name_skipped(Path("texts.csv"), [f"texts.csv:{row}: [red]no \x1b text" for row in range(7)])

    said = told(log)
    assert "of texts.csv this becomes no message (7 in all):" in said
    assert [True] * 5 + [False] * 2 == [f"texts.csv:{row}: [red]no \\x1b text" in said for row in range(7)]
    assert "... and 2 more like these" in said


@pytest.mark.parametrize(("kind", "answered"), [(KeyboardInterrupt, True), (ValueError, False), (None, False)])
def test_an_interruption_is_answered_before_anything_is_waited_for(log, kind, answered) -> None:
    log.answer_interruption(kind, None, None)

    assert answered == ("interrupted" in told(log))


def test_of_a_good_file_nothing_is_said(log) -> None:
    log.name_skipped(Path("texts.csv"), [])

    assert "" == told(log)


def test_what_was_kept_can_be_pasted_into_another_terminal() -> None:
    settings = {"TEXTSIEVE_KAFKA__OUTPUT_TOPIC": "labels-1", "TEXTSIEVE_KAFKA__INPUT_TOPICS": "messages-1"}

    steps = next_steps(settings=settings, file=None, labelled=False)

    assert "export TEXTSIEVE_KAFKA__OUTPUT_TOPIC=labels-1\n" in steps
    assert f"{program()} tail --from-beginning" in steps
    assert f"{program()} produce --scenario --limit 100 --topic messages-1\n" in steps


@pytest.mark.parametrize(
    ("file", "labelled", "named", "left_out"),
    [
        (None, False, "demo --file", "train fit"),
        (Path("texts.csv"), True, "train fit texts.csv --out my-model", "demo --file"),
    ],
)
def test_what_is_next_follows_from_what_was_shown(file, labelled, named, left_out) -> None:
    steps = next_steps(settings=None, file=file, labelled=labelled)

    assert (True, False) == (named in steps, left_out in steps)
