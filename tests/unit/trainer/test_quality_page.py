"""docs/quality.md says what the result files say, and its commands are accepted."""

import json
import re
from pathlib import Path

import pytest

from tests.unit.trainer.told import parameters

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "docs" / "quality.md").read_text(encoding="utf-8")
RESULTS = sorted((ROOT / "benchmarks" / "results" / "trainer").glob("*.json"))
COMMANDS = [line for block in re.findall(r"```sh\n(.*?)```", TEXT, flags=re.DOTALL) for line in block.splitlines()]


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


def numbers(result):
    """What a table has to show of a result, as the page writes it."""
    for standing in result.get("standings", ()):
        f1 = standing["f1"]
        yield f"{f1['value']:.3f} ({f1['low']:.3f}-{f1['high']:.3f}) | {standing['accuracy']:.3f}"
    for minus in result.get("best_minus", {}).values():
        interval = minus["interval"]
        yield f"{interval['value']:.3f} ({interval['low']:.3f}-{interval['high']:.3f}) | {minus['p_value']:.3f}"
    if "mean" in result:
        yield f"{result['mean']['nmi']:.3f}"
        if result["texts"] == 6000:
            yield " | ".join(f"{result['mean'][name]:.3f}" for name in ("nmi", "ari", "accuracy"))
    if "epochs" in result:
        yield f"{result['epochs'][result['best']]['cosine']:.3f}"
    if "calibration_error" in result:
        (spam,) = (label["scores"] for label in result["labels"] if label["label"] == "spam")
        yield f"{spam['precision']:.3f} | {spam['recall']:.3f} | {spam['f1']:.3f}"
        yield f"{result['accuracy']:.3f} | {result['calibration_error']:.3f}"


@pytest.mark.parametrize("path", RESULTS, ids=lambda path: path.stem)
def test_every_result_is_on_the_page_with_its_numbers(path):
    assert f"results/trainer/{path.name}" in TEXT
    assert [number for number in numbers(read(path)["result"]) if number not in TEXT] == []


@pytest.mark.parametrize("path", RESULTS, ids=lambda path: path.stem)
def test_the_command_of_every_result_is_on_the_page(path):
    assert read(path)["command"] in COMMANDS


@pytest.mark.parametrize("line", COMMANDS)
def test_commands_on_the_page_parse(line):
    assert parameters(line)["data"]
