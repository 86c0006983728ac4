"""Tests that share something expensive run in one process."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

SHARING = """
import os

import pytest

@pytest.fixture(scope="module")
def dear():
    pass

def note(what):
    with open(os.environ["NOTES"], "a") as notes:
        notes.write(what + " " + os.environ["PYTEST_XDIST_WORKER"] + "\\n")

@pytest.mark.parametrize("number", range(12))
@pytest.mark.parametrize("broker", ["kafka", "embedded"])
def test_a_broker(broker, number):
    note(broker)

@pytest.mark.parametrize("number", range(12))
def test_a_module(dear, number):
    note("module")
"""


@pytest.mark.parametrize("shared", ["kafka", "module"])
def test_what_is_shared_is_used_by_one_process(tmp_path, shared):
    (tmp_path / "test_sharing.py").write_text(SHARING, encoding="utf-8")
    notes = tmp_path / "notes"
    options = ["-p", "tests.together", "-p", "no:cacheprovider", "-q", "--config-file=/dev/null"]
    spread = ["--numprocesses=2", "--dist=loadgroup", f"--rootdir={tmp_path}"]

    subprocess.run(
        [sys.executable, "-m", "pytest", *options, *spread, "test_sharing.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "NOTES": str(notes)},
        check=True,
        capture_output=True,
    )

    found = [line.split() for line in notes.read_text("utf-8").splitlines()]
    assert 12 == sum(what == shared for what, _ in found)
    assert 1 == len({process for what, process in found if what == shared})
