"""What a command starts is our module, whatever lies in the folder where it is typed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from textsieve.modules import module_command

ROOT = Path(__file__).parents[3]
SCRIPT = """
import subprocess, sys
sys.path = [path for path in sys.path if path] + sys.argv[1:]
from textsieve.modules import module_command
sys.exit(subprocess.run([*module_command("textsieve"), "--version"]).returncode)
"""


@pytest.mark.parametrize(("beside", "out"), [((), "textsieve"), (("",), "theirs")])
def test_a_module_is_looked_for_in_the_working_directory_only_where_the_parent_does(tmp_path, beside, out):
    theirs = tmp_path / "textsieve"
    theirs.mkdir()
    (theirs / "__init__.py").touch()
    (theirs / "__main__.py").write_text("print('theirs')", encoding="utf-8")

    done = subprocess.run(
        [sys.executable, "-P", "-c", SCRIPT, *beside],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stdout.startswith(out), done.stderr


def test_a_worker_that_was_started_by_python_m_starts_others_so(monkeypatch):
    monkeypatch.setattr(sys, "path", [str(Path.cwd())])

    assert [sys.executable, "-m", "worker"] == module_command("worker")
