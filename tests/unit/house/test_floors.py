"""Every module of the worker stands on a floor, and the docs draw the house as it is."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
CONTRACTS = PROJECT["tool"]["importlinter"]["contracts"]

PART = re.compile(r"^textsieve\.(?=(embedded|producer|trainer|worker)\b)")  # the docs call the parts by their folders


def _floors() -> list[list[str]]:
    layers = next(contract["layers"] for contract in CONTRACTS if contract["type"] == "layers")
    return [[PART.sub("", name) for name in re.split(r" [|:] ", layer)] for layer in layers]


def _modules(package: str) -> set[str]:
    paths = [path for path in (ROOT / package).iterdir() if not path.is_symlink()]
    inside = [path for path in paths if path.suffix == ".py" or (path / "__init__.py").exists()]
    return {f"{package}.{path.stem}" for path in inside} - {f"{package}.__init__"}


@pytest.mark.parametrize("package", ["worker", "textsieve"])
def test_every_module_stands_on_a_floor(package):
    on_a_floor = {module for floor in _floors() for module in floor}

    assert _modules(package) - on_a_floor == set()


@pytest.mark.parametrize(
    "contract", [one for one in CONTRACTS if " only in " in one["name"]], ids=lambda one: one["name"]
)
def test_a_library_of_few_is_forbidden_to_every_other_module_of_the_worker(contract):
    allowed = {"worker.__main__", "worker.commands", "worker.app", "worker.wiring"}  # they reach everything
    named = {f"worker.{word}" for word in re.findall(r"\w+", contract["name"].partition(" only in ")[2])}
    forbidden = {PART.sub("", module) for module in contract["source_modules"]}

    assert _modules("worker") - forbidden - allowed - named == set()


def test_the_docs_draw_the_floors_as_they_are_checked():
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    table = page.split("## Floors\n", 1)[1].split("\n## ", 1)[0].split("\n| ")[2:]
    drawn = [sorted(re.findall(r"`([\w.]+)`", row.split("\n")[0])) for row in table]

    assert [sorted(floor) for floor in _floors()] == drawn


def test_the_docs_draw_the_floors_of_inference_as_they_are_checked():
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    table = page.split("## Floors of inference", 1)[1].split("\n## ", 1)[0]
    floors = next(one["layers"] for one in CONTRACTS if one.get("containers") == ["textsieve.worker.inference"])

    drawn = [re.findall(r"`(\w+)`", row) for row in re.findall(r"^\| (?=.*`)[^|]*\| ([^|]*) \|$", table, re.MULTILINE)]
    assert [floor.split(" | ") for floor in floors] == drawn


def test_the_docs_draw_the_rooms_of_the_trainer_as_they_are_checked():
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    table = page.split("## Rooms of the trainer", 1)[1].split("\n## ", 1)[0]
    rooms = next(one["layers"] for one in CONTRACTS if one.get("containers") == ["textsieve.trainer"])

    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == rooms
