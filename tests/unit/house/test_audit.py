"""An audit that could not ask must not pass for one."""

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
SKIPPED = {"name": "numpy", "skip_reason": "Dependency not found on PyPI and could not be audited: numpy (2.4.6)"}
CLEAN = {"name": "redis", "version": "8.1.0", "vulns": []}
FLAWED = {"name": "torch", "version": "2.13.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2.13.1"]}]}


@pytest.fixture(scope="module")
def audit() -> ModuleType:
    spec = importlib.util.spec_from_file_location("audit", ROOT / ".ci" / "audit.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("dependencies", "status", "said"),
    [
        ([CLEAN], 0, "no known vulnerability in 1 dependencies"),
        ([CLEAN, SKIPPED], 0, "NOT AUDITED, because the service does not know them: numpy"),
        ([SKIPPED, SKIPPED], 0, "OFFLINE, NOTHING WAS AUDITED"),
        ([CLEAN, FLAWED, SKIPPED], 1, "torch 2.13.0: PYSEC-1, fixed in ['2.13.1']"),
    ],
)
def test_a_verdict_says_what_was_looked_at(
    audit: ModuleType,
    dependencies: list[dict[str, Any]],
    status: int,
    said: str,
) -> None:
    verdict = audit.judge({"dependencies": dependencies})

    assert status == int(verdict.vulnerable)
    assert said in verdict.text


def test_ci_asks_for_coverage_and_audits_after_the_tests() -> None:
    lines = (ROOT / ".ci" / "run").read_text(encoding="utf-8").strip().splitlines()

    assert "make test" == lines[-3]
    assert lines[-2].startswith(".venv/bin/python -m coverage report")
    assert lines[-1].startswith(".venv/bin/python .ci/audit.py")
