"""A real Prometheus on loopback, and what can be asked of it."""

import json
import re
import shutil
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import yaml

from textsieve.embedded.listening import LOOPBACK, free_port

ROOT = Path(__file__).parents[2]
RULES = ROOT / "monitoring" / "prometheus"
HASTE = 30  # durations of rules and alerts are divided by this: five minutes become ten seconds
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
READY_SECONDS = 60


class Prometheus:
    """Scrapes every second and evaluates our own rules, hastened.

    Args:
        folder: for its data and configuration.
        targets: `host:port` of each worker, by the worker's name.
    """

    def __init__(self, folder: Path, targets: Mapping[str, str]) -> None:
        self.folder, self.targets = folder, targets
        self.url = f"http://{LOOPBACK}:{free_port()}"
        self._process: subprocess.Popen[bytes] | None = None

    @staticmethod
    def program() -> str | None:
        """Where it is installed, if it is."""
        return shutil.which("prometheus")

    def __enter__(self) -> Self:
        for name in ("rules.yml", "alerts.yml"):
            (self.folder / name).write_text(yaml.safe_dump(hastened(name)), encoding="utf-8")
        jobs = [{"targets": [address], "labels": {"worker": name}} for name, address in self.targets.items()]
        configuration = {
            "global": {"scrape_interval": "1s", "scrape_timeout": "900ms", "evaluation_interval": "1s"},
            "rule_files": ["rules.yml", "alerts.yml"],
            "scrape_configs": [{"job_name": "textsieve", "static_configs": jobs}],
        }
        (self.folder / "prometheus.yml").write_text(yaml.safe_dump(configuration), encoding="utf-8")
        with (self.folder / "prometheus.log").open("wb") as log:
            self._process = subprocess.Popen(
                [
                    str(self.program()),
                    f"--config.file={self.folder / 'prometheus.yml'}",
                    f"--storage.tsdb.path={self.folder / 'data'}",
                    f"--web.listen-address={self.url.removeprefix('http://')}",
                    "--enable-feature=exemplar-storage",
                    "--query.lookback-delta=5s",
                ],
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + READY_SECONDS
        while not self._ready():
            assert self._process.poll() is None, (self.folder / "prometheus.log").read_text()
            assert time.monotonic() < deadline, (self.folder / "prometheus.log").read_text()
            time.sleep(0.1)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def ask(self, path: str, **parameters: object) -> Any:
        """The `data` of an answer of the HTTP API."""
        query = urllib.parse.urlencode(parameters, doseq=True)
        with urllib.request.urlopen(f"{self.url}/api/v1/{path}?{query}", timeout=10) as response:  # noqa: S310
            return json.load(response)["data"]

    def range(self, expression: str, *, start: float, end: float, step: float = 1.0) -> list[dict[str, Any]]:
        """All series of an expression over a time."""
        found = self.ask("query_range", query=expression, start=start, end=end, step=step)["result"]
        return list(found)

    def firing(self) -> set[str]:
        """Names of the alerts that fire now."""
        result = self.ask("query", query='ALERTS{alertstate="firing"}')["result"]
        return {series["metric"]["alertname"] for series in result}

    def _ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/-/ready", timeout=1):  # noqa: S310
                return True
        except OSError:
            return False


def hastened(name: str) -> dict[str, Any]:
    """One of our rule files with every `for` and every window divided by HASTE; names stay as they are."""
    rules: dict[str, Any] = yaml.safe_load((RULES / name).read_text(encoding="utf-8"))
    for group in rules["groups"]:
        for rule in group["rules"]:
            rule["expr"] = re.sub(r"\[(\d+)([smhd])\]", lambda m: f"[{_shorter(m)}]", rule["expr"])
            if "for" in rule:
                rule["for"] = re.sub(r"^(\d+)([smhd])$", _shorter, rule["for"])
    return rules


def _shorter(duration: re.Match[str]) -> str:
    return f"{max(4, int(duration[1]) * SECONDS[duration[2]] // HASTE)}s"
