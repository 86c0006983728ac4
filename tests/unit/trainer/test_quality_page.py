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


def disguises(result):
    """What the tables of disguised texts have to show."""
    for one in result.get("disguised", ()):
        recalls = (f"{one[when][label]:.3f}" for label in ("spam", "ham") for when in ("before", "after"))
        yield f"| {one['kind']} | {one['marked']:,} | {' | '.join(recalls)} |"
    for one in result.get("by_slice", ()):
        if one["name"].startswith("spell_") or result["data"] == "test.jsonl":
            yield f"{one['accuracy']:.3f} ({one['low']:.3f}-{one['high']:.3f})"


def numbers(result):
    """What a table has to show of a result, as the page writes it."""
    for standing in result.get("standings", ()):
        f1 = standing["f1"]
        row = f"{f1['value']:.3f} ({f1['low']:.3f}-{f1['high']:.3f}) | {standing['accuracy']:.3f}"
        yield f"{row} | {standing['draw_std']:.3f}" if len(standing.get("draw_f1", ())) > 1 else row
    for minus in result.get("best_minus", {}).values():
        interval = minus["interval"]
        yield f"{interval['value']:.3f} ({interval['low']:.3f}-{interval['high']:.3f}) | {minus['p_value']:.3f}"
    if "mean" in result:
        yield f"{result['mean']['nmi']:.3f}"
        if result["texts"] == 6000:
            yield " | ".join(f"{result['mean'][name]:.3f}" for name in ("nmi", "ari", "accuracy"))
    if "epochs" in result:
        yield f"{result['epochs'][result['best']]['cosine']:.3f}"
    yield from disguises(result)
    yield from grouped(result)
    for way in result.get("ways", ()):
        shares = (way["given_spam"][place] for place in ("beginning", "middle", "end", "nowhere"))
        yield " | ".join(f"{one['value']:.2f} ({one['low']:.2f}-{one['high']:.2f})" for one in shares)
    if "calibration_error" in result and not result["by_slice"]:
        yield from judged(result)


def grouped(result):
    """What the tables of clusters have to show."""
    for name in ("kmeans", "kmeans_before", "kmeans_after"):
        if name in result:
            yield " | ".join(f"{result[name]['mean'][measure]:.3f}" for measure in ("nmi", "ari", "accuracy"))
    if "kmeans" in result:
        apart = result["kmeans"]["nmi_difference"]
        yield f"{apart['mean']:+.3f} ({apart['lowest']:+.3f} to {apart['highest']:+.3f})"
    for one in result.get("tried", ()):
        said = "suggested" if one["k"] == result["suggested"]["k"] else ""
        curve = f"{one['inertia']:.3f} | {one['silhouette']:.3f} ± {one['silhouette_std']:.3f} | {one['stability']:.3f}"
        yield f"| {one['k']} | {curve} | {one['nmi']:.3f} | {said} |"
    for weight in result.get("weights", ()):
        f1, nmi = weight["f1"], weight["nmi"].values()
        yield f"| {weight['weight']:g} | {f1['value']:.3f} ({f1['low']:.3f}-{f1['high']:.3f}) |"
        yield " | ".join([f"{weight['cosine']:.3f}", *(f"{one['mean']:.3f}" for one in nmi)])


def judged(result):
    """What a table has to show of an evaluation."""
    for label in result["labels"]:
        if label["label"] == "spam":
            yield " | ".join(f"{label['scores'][name]:.3f}" for name in ("precision", "recall", "f1"))
            yield f"{result['accuracy']:.3f} | {result['calibration_error']:.3f}"
    nearness = result.get("nearness") or {"cuts": ()}
    for cut in nearness["cuts"]:
        yield f"| {cut['least_similarity']:g} | {cut['accuracy']:.3f} | {cut['precision']:.3f} | {cut['recall']:.3f} |"
    if nearness.get("least_similarity") is not None:
        yield f"{nearness['temperature']:.3f} and {nearness['least_similarity']:g}"


@pytest.mark.parametrize("path", RESULTS, ids=lambda path: path.stem)
def test_every_result_is_on_the_page_with_its_numbers(path):
    assert f"results/trainer/{path.name}" in TEXT
    assert [number for number in numbers(read(path)["result"]) if number not in TEXT] == []


@pytest.mark.parametrize("path", RESULTS, ids=lambda path: path.stem)
def test_the_command_of_every_result_is_on_the_page(path):
    assert read(path)["command"] in TEXT.splitlines()


@pytest.mark.parametrize("line", [line for line in COMMANDS if "long_texts" not in line])
def test_commands_on_the_page_parse(line):
    assert parameters(line)["data"]
