"""The map, and what it says about where things are, are those of the tree."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
PARTS = ("textsieve", "worker", "producer", "trainer", "embedded", "benchmarks")


def _section(heading: str) -> str:
    return PAGE.split(f"\n{heading}\n", 1)[1].split("\n#", 1)[0]


def _packages() -> set[str]:
    below = [path for part in PARTS for path in (ROOT / part).iterdir() if not path.is_symlink()]
    return {path.relative_to(ROOT).as_posix() for path in below if (path / "__init__.py").exists()}


def test_the_map_has_every_package_and_nothing_that_is_not_there():
    picture = re.search(r"```mermaid\n(.*?)```", _section("## The map"), re.DOTALL)[1]
    drawn = set(re.findall(r"([a-z][\w/]*)/(?=<br>|\")", picture))

    assert set() == _packages() - drawn
    assert [] == [name for name in sorted(drawn) if not (ROOT / name).is_dir()]


@pytest.mark.parametrize("heading", ["### Where a new thing goes", "### Where is it?"])
def test_every_path_that_is_named_exists(heading):
    named = re.findall(r"`(?!make )([\w./]+)`", _section(heading))

    assert len(named) > 20 or heading != "### Where is it?"
    assert [] == [path for path in named if not (ROOT / path).exists() and path != "__main__.py"]


def test_at_least_twenty_questions_are_answered_by_a_path():
    rows = re.findall(r"^\| ([^|]+\?[^|]*) \| `([\w./]+)` \|$", _section("### Where is it?"), re.MULTILINE)

    assert len(dict(rows)) == len(rows) >= 20
