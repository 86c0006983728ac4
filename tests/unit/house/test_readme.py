"""What the README has people type is there to be typed."""

import re
import shlex
from importlib import import_module
from pathlib import Path

import pytest
from typer.testing import CliRunner

from textsieve.commands import COMMANDS

ROOT = Path(__file__).parents[3]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```sh\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
TYPED = [
    words
    for line in "".join(BLOCKS).splitlines()
    if (words := shlex.split(line, comments=True)) and words[0] == "textsieve"
]


@pytest.mark.parametrize("words", TYPED, ids=" ".join)
def test_a_command_is_one_of_ours_and_has_the_options(words):
    command = COMMANDS[words[1]]
    inner = [words[2]] if words[1] == "train" else []

    helped = CliRunner().invoke(
        getattr(import_module(command.module), command.attribute),
        [*command.words, *inner, "--help"],
        env={"COLUMNS": "200", "TERM": "dumb"},
    )

    assert 0 == helped.exit_code
    assert {word for word in words if word.startswith("--")} <= set(re.findall(r"--[\w-]+", helped.output))


def test_no_block_has_to_be_mended_before_it_is_pasted():
    assert [] == [block for block in BLOCKS if re.search(r"<[\w ]+>|\.\.\.|^\$ ", block, re.MULTILINE)]
