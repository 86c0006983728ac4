"""Run contract and delivery tests over the oldest, the default and the newest Apache Kafka: `make kafka-versions`.

Every version whose jars are pinned is taken, or those named: `python -m tests.kafka_versions 3.9.2`. What was met is
written into docs/kafka.md, between its marks.
"""

import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

from textsieve.embedded.kafka.jars import DEFAULT_VERSION, versions

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "kafka.md"
BEGIN, END = "<!-- versions -->", "<!-- end -->"
SUITES = {
    "contract": ("tests/contract/test_source_sink.py",),
    "delivery": ("tests/integration/test_stream.py",),
    "cluster": ("tests/integration/test_kafka_cluster.py",),
    "other clients": ("tests/integration/test_foreign_clients.py",),
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one suite on one version."""

    passed: int
    failed: int
    skipped: int

    def __str__(self) -> str:
        parts = [f"{self.passed} passed"]
        parts += [f"**{self.failed} failed**"] if self.failed else []
        parts += [f"{self.skipped} skipped"] if self.skipped else []
        return ", ".join(parts)


def run_suite(version: str, paths: tuple[str, ...]) -> Outcome:
    """The tests of one suite that meet Apache Kafka, in a process of their own."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        options = ["-q", "-k", "not embedded and not memory", f"--junitxml={report}"]
        subprocess.run(
            [sys.executable, "-m", "pytest", *options, *paths],
            cwd=ROOT,
            env={**os.environ, "TEXTSIEVE_TEST_KAFKA_VERSION": version},
            check=False,
        )
        return _outcome(report)


def _outcome(report: Path) -> Outcome:
    if not report.exists():
        return Outcome(0, 1, 0)
    suites = list(ET.parse(report).getroot().iter("testsuite"))  # noqa: S314  # pytest has just written it
    counts = {
        name: sum(int(suite.get(name, 0)) for suite in suites) for name in ("tests", "failures", "errors", "skipped")
    }
    failed = counts["failures"] + counts["errors"]
    return Outcome(counts["tests"] - failed - counts["skipped"], failed, counts["skipped"])


def table(met: dict[str, dict[str, Outcome]]) -> str:
    """Versions down, suites across."""
    lines = ["| Apache Kafka | " + " | ".join(SUITES) + " |", "|---" * (len(SUITES) + 1) + "|"]
    for version, outcomes in met.items():
        name = f"{version} (default)" if version == DEFAULT_VERSION else version
        lines.append(f"| {name} | " + " | ".join(str(outcomes[suite]) for suite in SUITES) + " |")
    return "\n".join(lines)


def main(wanted: list[str]) -> int:
    """Run everything, write the table if all versions were asked for, and say whether all passed."""
    met = {
        version: {name: run_suite(version, paths) for name, paths in SUITES.items()} for version in wanted or versions()
    }
    print(table(met))
    if not wanted:
        page = PAGE.read_text(encoding="utf-8")
        before, rest = page.split(BEGIN)
        PAGE.write_text(f"{before}{BEGIN}\n\n{table(met)}\n\n{END}{rest.split(END)[1]}", encoding="utf-8")
    return int(any(outcome.failed for outcomes in met.values() for outcome in outcomes.values()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
