"""Compares every pinned dependency with the known vulnerabilities (pip-audit), and says so where it could not ask.

Exit status 1 for a known vulnerability; 0 for none, and for no answer: a network that keeps PyPI's JSON API away must
not stop a build, but it must not look like an audit either.
"""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CONSTRAINTS = Path(__file__).parents[1] / "constraints.txt"
PATIENCE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to say, and whether the build may go on."""

    text: str
    vulnerable: bool


def judge(report: dict[str, Any]) -> Verdict:
    """What a report of pip-audit comes to; it lists as `skipped` whatever the service did not know or answer."""
    dependencies = report["dependencies"]
    skipped = sorted(dependency["name"] for dependency in dependencies if "skip_reason" in dependency)
    audited = len(dependencies) - len(skipped)
    found = [
        f"  {dependency['name']} {dependency['version']}: {flaw['id']}, fixed in {flaw['fix_versions'] or 'no version'}"
        for dependency in dependencies
        for flaw in dependency.get("vulns", ())
    ]
    if found:
        return Verdict("\n".join(["audit: known vulnerabilities in constraints.txt:", *found]), vulnerable=True)
    if not audited:
        return Verdict(unaudited(f"none of {len(dependencies)} dependencies could be looked up"), vulnerable=False)
    text = f"audit: no known vulnerability in {audited} dependencies"
    if skipped:
        text += f"; NOT AUDITED, because the service does not know them: {', '.join(skipped)}"
    return Verdict(text, vulnerable=False)


def unaudited(reason: str) -> str:
    """What to say where there is no answer."""
    return f"audit: OFFLINE, NOTHING WAS AUDITED ({reason}); run .ci/audit.py where PyPI's JSON API can be reached"


def main() -> int:
    """Ask, print one paragraph, and return the exit status."""
    options = ["--no-deps", "--disable-pip", "--progress-spinner", "off", "--timeout", "5", "--format", "json"]
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(CONSTRAINTS), *options]
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False)  # noqa: S603  # our own interpreter
        verdict = judge(json.loads(run.stdout))
    except subprocess.TimeoutExpired:
        verdict = Verdict(unaudited(f"no answer within {PATIENCE_SECONDS} s"), vulnerable=False)
    except ValueError:  # no report: the service refused, or could not be reached at all
        last = run.stderr.strip().rpartition("\n")[2]
        verdict = Verdict(unaudited(last or f"pip-audit ended with {run.returncode}"), vulnerable=False)
    print(verdict.text)  # noqa: T201  # a script
    return int(verdict.vulnerable)


if __name__ == "__main__":
    sys.exit(main())
