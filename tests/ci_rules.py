"""In CI a skipped test is a failed one, unless its reason starts with `documented:`.

On a developer's machine a missing service or data set skips its tests and says so. In CI everything is there, so
the same skip would hide a broken installation.
"""

import os
from collections.abc import Generator

import pytest

EXCUSE = "documented:"


def _refuse_silence(report: pytest.TestReport | pytest.CollectReport) -> None:
    if not os.environ.get("CI") or not report.skipped or hasattr(report, "wasxfail"):
        return
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    reason = reason.removeprefix("Skipped: ")
    if not reason.startswith(EXCUSE):
        report.outcome = "failed"
        report.longrepr = f"Skipped in CI: {reason!r}. Install what it needs, or start the reason with {EXCUSE!r}."


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _refuse_silence(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _refuse_silence(report)
    return report
