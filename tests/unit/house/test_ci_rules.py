"""The rule that CI does not skip in silence."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

SKIPS = """
import pytest

def test_nothing_stands_in_the_way():
    pass

def test_something_is_missing():
    pytest.skip("{reason}")
"""


def _run(folder: Path, *, reason: str, ci: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_skips.py").write_text(SKIPS.format(reason=reason), encoding="utf-8")
    options = ["-p", "tests.ci_rules", "-p", "no:cacheprovider", "-q", "-ra", "--config-file=/dev/null"]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *options, f"--rootdir={folder}", "test_skips.py"],
        cwd=folder,
        env={**os.environ, "CI": ci, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_silent_skip_fails_in_ci(tmp_path):
    run = _run(tmp_path, reason="no broker", ci="true")

    assert run.returncode == pytest.ExitCode.TESTS_FAILED
    assert "Skipped in CI: 'no broker'" in run.stdout


def test_a_documented_skip_passes_in_ci(tmp_path):
    run = _run(tmp_path, reason="documented: needs a GPU", ci="true")

    assert run.returncode == pytest.ExitCode.OK
    assert "1 passed, 1 skipped" in run.stdout


def test_a_skip_stays_a_skip_on_a_developers_machine(tmp_path):
    run = _run(tmp_path, reason="no broker", ci="")

    assert run.returncode == pytest.ExitCode.OK
    assert "1 passed, 1 skipped" in run.stdout
