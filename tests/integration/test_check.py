"""`check` where something is missing says so once."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_a_broker_that_is_away_is_told_in_one_line_without_the_librarys_own() -> None:
    command = [sys.executable, "-m", "textsieve.worker", "check", "--set", "kafka.bootstrap_servers=127.0.0.1:1"]
    surroundings = {**os.environ, "PYTHONPATH": str(ROOT)}

    done = subprocess.run(command, cwd=ROOT, env=surroundings, capture_output=True, text=True, check=False)

    (line,) = done.stderr.splitlines()
    assert (1, "") == (done.returncode, done.stdout)
    assert "127.0.0.1:1" in line
    assert "nobody listens there" in line
