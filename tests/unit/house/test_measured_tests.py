"""Coverage and mutants are taken of the code as it lies there: a name that leads nowhere would measure nothing."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import coverage
import pytest

ROOT = Path(__file__).parents[3]
TOOLS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
MUTANTS = TOOLS["mutmut"]
IMPORTED = (
    "textsieve.output",
    "textsieve.worker.errors",
    "textsieve.producer",
    "textsieve.trainer",
    "textsieve.embedded",
)


@pytest.mark.parametrize("name", [*MUTANTS["only_mutate"], *MUTANTS["pytest_add_cli_args_test_selection"]])
def test_what_mutants_are_made_of_and_met_by_is_there(name):
    assert (ROOT / name).exists()


def test_mutants_are_looked_for_where_a_walk_that_follows_no_links_finds_them():
    roots = [ROOT / name for name in MUTANTS["source_paths"]]
    found = {path.relative_to(ROOT).as_posix() for root in roots for path in root.rglob("*.py")}

    assert set() == set(MUTANTS["only_mutate"]) - found


def test_every_part_is_covered_although_it_is_imported_through_a_link(tmp_path):
    (tmp_path / "importing.py").write_text("import " + ", ".join(IMPORTED), encoding="utf-8")
    options = [f"--rcfile={ROOT / 'pyproject.toml'}", f"--data-file={tmp_path / 'coverage'}"]

    subprocess.run(
        [sys.executable, "-m", "coverage", "run", *options, str(tmp_path / "importing.py")],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
    )

    data = coverage.CoverageData(str(tmp_path / "coverage"))
    data.read()
    measured = {Path(name).relative_to(ROOT).parts[0] for name in data.measured_files()}
    assert {"textsieve", "worker", "producer", "trainer", "embedded"} == measured
