"""Where torch is not installed, training says how to install it; what needs none goes on."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[4]


def trainer(*arguments):
    command = [sys.executable, "-m", "tests.without_torch", "find", "-m", "trainer", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("command", [("fit", "--frozen", "--out"), ("compare", "--work")])
def test_the_command_that_installs_it_is_named(tmp_path, command):
    data = tmp_path / "data.csv"
    data.write_text("text,label\na b,x\nc d,y\n", encoding="utf-8")

    done = trainer(command[0], str(data), *command[1:], str(tmp_path / "out"))

    assert 2 == done.returncode, done.stderr
    assert "expected the package torch" in done.stderr
    assert "run `make torch`, or `pip install 'textsieve[trainer]'`" in done.stderr


def test_splitting_a_file_needs_none(tmp_path):
    data = tmp_path / "data.csv"
    rows = "".join(f"text number {number} of many,{'xy'[number % 2]}\n" for number in range(40))
    data.write_text("text,label\n" + rows, encoding="utf-8")

    done = trainer("split", str(data), "--out", str(tmp_path / "split"))

    assert 0 == done.returncode, done.stderr
