"""What `python -m trainer` says of itself on a terminal of the usual width."""

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from textsieve.trainer.__main__ import app

WIDE = {"COLUMNS": "80", "TERMINAL_WIDTH": "80"}
COMMANDS = get_command(app).commands


def shown(*arguments):
    result = CliRunner().invoke(app, [*arguments, "--help"], env=WIDE)
    assert 0 == result.exit_code
    return result.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_no_option_is_cut(name):
    words = shown(name).split()
    options = [one for parameter in COMMANDS[name].params for one in parameter.opts if one.startswith("--")]

    assert not [option for option in options if option not in words]


def test_no_summary_is_cut():
    assert "..." not in shown().replace("[ARGS]...", "")
