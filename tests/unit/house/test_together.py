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


@pytest.fixture(scope="module")
def notes(tmp_path_factory):
    """Which test ran in which of two processes."""
    folder = tmp_path_factory.mktemp("together")
    (folder / "test_sharing.py").write_text(SHARING, encoding="utf-8")
    options = ["-p", "xdist", "-p", "tests.together", "-p", "no:cacheprovider", "-q", "--config-file=/dev/null"]
    spread = ["--numprocesses=2", "--dist=loadgroup", f"--rootdir={folder}"]

    subprocess.run(
        [sys.executable, "-m", "pytest", *options, *spread, "test_sharing.py"],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "NOTES": str(folder / "notes"),
        },
        check=True,
        capture_output=True,
    )
    return [line.split() for line in (folder / "notes").read_text("utf-8").splitlines()]


@pytest.mark.parametrize("shared", ["kafka", "module"])
def test_what_is_shared_is_used_by_one_process(notes, shared):
    processes = [process for what, process in notes if what == shared]

    assert (12, 1) == (len(processes), len(set(processes)))
