"""A test that is marked `alone` never runs beside another; the others do run beside each other."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

SHARING = """
import os
import time
from pathlib import Path

import pytest

NOTES = Path(os.environ["NOTES"])
PROCESS = os.environ["PYTEST_XDIST_WORKER"]

def run(name):
    with NOTES.open("a") as notes:
        notes.write(f"{PROCESS} {name} enters\\n")
        notes.flush()
        time.sleep(0.02)
        notes.write(f"{PROCESS} {name} leaves\\n")

def test_both_processes_meet_in_a_common_test():
    NOTES.with_name(PROCESS).touch()
    deadline = time.monotonic() + 60
    while not all(NOTES.with_name(process).exists() for process in ("gw0", "gw1")):
        assert time.monotonic() < deadline
        time.sleep(0.01)

@pytest.mark.parametrize("number", range(4))
def test_common_before(number):
    run("common")

@pytest.mark.alone
@pytest.mark.parametrize("number", range(4))
def test_alone(number):
    run("alone")

@pytest.mark.parametrize("number", range(4))
def test_common_after(number):
    run("common")
"""


@pytest.fixture(scope="module")
def notes(tmp_path_factory):
    """What two processes, each with all of those tests, noted in turn."""
    folder = tmp_path_factory.mktemp("alone")
    (folder / "test_sharing.py").write_text(SHARING, encoding="utf-8")
    options = ["-p", "xdist", "-p", "tests.alone", "-p", "no:cacheprovider", "-q", "--config-file=/dev/null"]
    both = ["--numprocesses=2", "--dist=each", f"--rootdir={folder}", "-o", "markers=alone"]

    subprocess.run(
        [sys.executable, "-m", "pytest", *options, *both, "test_sharing.py"],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "NOTES": str(folder / "notes"),
        },
        check=True,  # which is what says that both met
        capture_output=True,
    )
    return (folder / "notes").read_text("utf-8").splitlines()


def test_nobody_enters_while_a_test_is_alone(notes):
    alone = [(line, notes[index + 1]) for index, line in enumerate(notes) if line.endswith("alone enters")]

    assert 2 * 4 == len(alone)
    assert [(line, line.replace("enters", "leaves")) for line, _ in alone] == alone


def test_every_test_runs_in_both_processes(notes):
    assert {"gw0": 12, "gw1": 12} == {
        process: sum(line.startswith(process) and line.endswith("leaves") for line in notes)
        for process in ("gw0", "gw1")
    }
