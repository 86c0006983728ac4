"""What the trainer's commands show while they work."""

import io

import pytest
import typer
from rich.console import Console

from textsieve.trainer.commands import console
from textsieve.worker.errors import ConfigurationError


def test_a_bar_begins_again_with_the_next_model(monkeypatch):
    file = io.StringIO()
    monkeypatch.setattr(console, "errors", Console(file=file, width=80))

    with console.progress_bars("tune") as progress:
        for _ in range(2):  # models of three steps
            for _ in range(3):
                progress("tune", 1, 3)

    assert "3/3" in file.getvalue()


def test_a_bar_of_a_stage_that_did_not_come_is_not_shown(monkeypatch):
    file = io.StringIO()
    monkeypatch.setattr(console, "errors", Console(file=file, width=80))

    with console.progress_bars("embed", "tune") as progress:
        progress("embed", 2, 2)

    assert "embed" in file.getvalue()
    assert "tune" not in file.getvalue()


def test_no_label_or_error_can_command_the_terminal(monkeypatch, capsys):
    errors = io.StringIO()
    monkeypatch.setattr(console, "errors", Console(file=errors, width=80))

    console.echo("label\n\x1b]0;x\x07\u202espam\n")
    with pytest.raises(typer.Exit), console.exit_codes():
        raise ConfigurationError("expected one of\n  \x9bham")

    assert "label\n\\x1b]0;x\\x07\\u202espam\n" == capsys.readouterr().out
    assert "error: expected one of\n  \\x9bham\n" == errors.getvalue()


def test_a_report_that_nobody_takes_is_one_line_and_an_exit_code(monkeypatch):
    errors = io.StringIO()
    monkeypatch.setattr(console, "errors", Console(file=errors, width=80))
    monkeypatch.setattr("sys.stdout", None)

    with pytest.raises(typer.Exit) as ended:
        console.echo("done\n")

    assert console.FAULT == ended.value.exit_code
    assert errors.getvalue().startswith("error: standard output is closed")
