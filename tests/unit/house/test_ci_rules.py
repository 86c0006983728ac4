"""The rule that CI does not skip in silence."""

import os
import subprocess
import sys
from collections.abc import Sequence
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
WHOLE = """
import pytest

pytest.skip("{reason}", allow_module_level=True)
"""
SPREAD = ("--numprocesses=2", "--dist=loadgroup")  # as CI runs


def _run(
    folder: Path, *, reason: str, ci: str, skips: str = SKIPS, more: Sequence[str] = ()
) -> subprocess.CompletedProcess[str]:
    (folder / "test_skips.py").write_text(skips.format(reason=reason), encoding="utf-8")
    options = ["-p", "tests.ci_rules", "-p", "no:cacheprovider", "-q", "-ra", "--config-file=/dev/null", *more]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *options, f"--rootdir={folder}", "test_skips.py"],
        cwd=folder,
        env={**os.environ, "CI": ci, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("more", [(), SPREAD], ids=["alone", "spread"])
@pytest.mark.parametrize("skips", [SKIPS, WHOLE], ids=["a test", "a module"])
def test_a_silent_skip_fails_in_ci(tmp_path, skips, more):
    run = _run(tmp_path, reason="no broker", ci="true", skips=skips, more=more)

    assert run.returncode in {pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.INTERRUPTED}
    assert "Skipped in CI: 'no broker'" in run.stdout


def test_a_documented_skip_passes_in_ci(tmp_path):
    run = _run(tmp_path, reason="documented: needs a GPU", ci="true")

    assert run.returncode == pytest.ExitCode.OK
    assert "1 passed, 1 skipped" in run.stdout


def test_a_skip_stays_a_skip_on_a_developers_machine(tmp_path):
    run = _run(tmp_path, reason="no broker", ci="")

    assert run.returncode == pytest.ExitCode.OK
    assert "1 passed, 1 skipped" in run.stdout
