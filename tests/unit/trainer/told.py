"""What a page tells people to type."""

import shlex

import typer

from textsieve.trainer.__main__ import app


def parameters(line: str) -> dict[str, object]:
    """The parameters of a `python -m trainer ...` line, parsed as the command itself would."""
    words = shlex.split(line)
    assert ["python", "-m", "trainer"] == words[:3]
    with typer.main.get_command(app).commands[words[3]].make_context(words[3], words[4:]) as context:
        return dict(context.params)
