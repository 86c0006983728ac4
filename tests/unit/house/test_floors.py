"""Every module of the worker stands on a floor, and the docs draw the house as it is."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[3]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
CONTRACTS = PROJECT["tool"]["importlinter"]["contracts"]

PART = re.compile(r"^textsieve\.(?=(embedded|producer|trainer|worker)\b)")  # the docs call the parts by their folders


def _floors() -> list[list[str]]:
    layers = next(contract["layers"] for contract in CONTRACTS if contract["type"] == "layers")
    return [[PART.sub("", name) for name in re.split(r" [|:] ", layer)] for layer in layers]


def _modules(package: str) -> set[str]:
    inside = [path for path in (ROOT / package).iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()]
    return {f"{package}.{path.stem}" for path in inside} - {f"{package}.__init__"}


def test_every_module_of_the_worker_stands_on_a_floor():
    on_a_floor = {module for floor in _floors() for module in floor}

    assert _modules("worker") - on_a_floor == set()


def test_the_docs_draw_the_floors_as_they_are_checked():
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    table = page.split("## Floors", 1)[1].split("\n| ")[2:]
    drawn = [re.findall(r"`([\w.]+)`", row.split("\n")[0]) for row in table]

    assert drawn == _floors()


def test_the_docs_draw_the_rooms_of_the_trainer_as_they_are_checked():
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    table = page.split("## Rooms of the trainer", 1)[1].split("\n## ", 1)[0]
    rooms = next(one["layers"] for one in CONTRACTS if one.get("containers") == ["textsieve.trainer"])

    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == rooms
