"""The figures on the pages are those of the committed run."""

import json
import re
from pathlib import Path

import pytest

from benchmarks.speed.page import PAGES, blocks, filled

ROOT = Path(__file__).parents[3]
RESULT = ROOT / "benchmarks" / "results" / "speed.json"


def test_a_block_is_filled_between_its_marks_and_nothing_else_changes():
    page = "before\n<!-- measured targets -->\n\nold\n\n<!-- end -->\nafter\n"

    assert (
        "before\n<!-- measured targets -->\n\n| figure | measured | target |  |\n| --- | ---: | ---: | ---: |\n"
        "| `ratio_auto_vs_script` | 12 | ≥ 10 | reached |\n\n<!-- end -->\nafter\n"
    ) == filled(page, {"verdict": {"ratio_auto_vs_script": 12.0}})


@pytest.mark.parametrize("name", PAGES)
def test_every_block_of_a_page_can_be_filled(name):
    marks = re.findall(r"<!-- measured ([a-z-]+) -->.*?<!-- end -->", (ROOT / name).read_text(), re.DOTALL)

    assert marks
    assert set(marks) <= blocks().keys()


@pytest.mark.parametrize("name", PAGES)
def test_a_page_shows_the_committed_run(name):
    page = (ROOT / name).read_text(encoding="utf-8")
    if not RESULT.exists():
        assert "speed.json)" not in page
        return

    assert page == filled(page, json.loads(RESULT.read_text(encoding="utf-8")))
