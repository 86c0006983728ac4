"""What a whole run finds can be written everywhere it is shown: a fault here would cost half an hour."""

import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from benchmarks.speed import page, plots
from benchmarks.speed.__main__ import show
from benchmarks.speed.plan import FULL
from benchmarks.speed.verdict import CEILINGS, TARGETS, verdict

ROOT = Path(__file__).parents[3]


def _spread(median: float) -> dict[str, Any]:
    return {"median": median, "lowest": median * 0.9, "highest": median * 1.1, "rounds": [median]}


def _forward(rate: float, engine: str) -> dict[str, Any]:
    chosen = {"engine": engine, "precision": "fp32"}
    return {"messages_per_second": _spread(rate), "share_of_roof": 0.8, "engine": chosen}


def _found() -> dict[str, Any]:
    agreement = {"label_agreement": 1.0, "expected_loss": 0.0, "mean_cosine": 0.99, "min_cosine": 0.98}
    sides = ("one at a time", "competent script", "quix-streams", "hand loop fp32", "hand loop int8")
    race = {"workers": 2, "every_seconds": 1.0, "learns_per_second": 2.0, "conflict_rate": 0.1, "most_retries": 1}
    race |= {"learn_p50_ms": 2.0, "learn_p99_ms": 9.0, "lost_rows": 0}
    cluster = {"share": 0.01, "per_second": 300.0, "assign_us_per_message": 1.0, "learn_ms": 2.0, "state_bytes": 98816}
    machine = dict.fromkeys(
        ("cpu", "instructions", "python", "torch", "onnxruntime", "transformers", "kafka-python"), "x"
    )
    names = ("torch fp32", "onnx int8", "fp32", "auto")
    found: dict[str, Any] = {
        "about": {"machine": machine, "texts": "t", "distinct_texts": 5, "seed": 1, "load_before": 0.1},
        "engines": {
            "mean_tokens": 18.0,
            "flop_per_token": 21.4e6,
            "gemm_gflop_per_second": _spread(100.0),
            "roof_tokens_per_second": 4600.0,
            "forward": {name: _forward(200.0, "onnx") for name in names},
            "accuracy": {name: {"sms_spam": agreement, "banking77": agreement} for name in names},
            "lengths": {name: {"8": 400.0, "256": 9.0} for name in names},
        },
        "side_by_side": {name: _spread(30.0) for name in (*sides, "textsieve fp32", "textsieve auto")},
        "road": {
            name: _spread(9.0)
            for name in ("plain loop", "textsieve", "plain loop, tokenising", "textsieve, tokenising")
        },
        "metering": {"microseconds_per_message": _spread(0.3), "metrics_share": 0.009},
        "latency": {
            load: {"per_second": 9.0, "p50": 0.1, "p95": 0.2, "p99": 0.3, "unanswered": 0}
            for load in ("10%", "50%", "80%")
        },
        "guarantee": {
            "rates": {way: _spread(9.0) for way in ("at_least_once", "exactly_once")},
            "factors": _spread(1.0),
            "latency": {
                way: {"per_second": 9.0, "p50": 0.1, "p95": 0.2, "p99": 0.3, "unanswered": 0}
                for way in ("at_least_once", "exactly_once")
            },
            "commit_milliseconds": 60.0,
        },
        "scale": {"1": _spread(9.0), "2": _spread(18.0), "factor": 2.0, "efficiency": 1.0}
        | {"factors": _spread(2.0), "forward_factors": _spread(1.9)}
        | {"cores": {"1": {"workers": 1.0, "idle": 0.5}}}
        | {"forward": {"1": _spread(9.5), "2": _spread(18.0)}},
        "repeats": {share: _spread(9.0) for share in ("0%", "90%")},
        "start_up": {
            name: {"ready_seconds": 9.0, "first_result_seconds": 9.5} for name in ("cold cache", "warm cache")
        },
        "clusters": {"64": {"k": 64, **cluster}, "1000": {"k": 1000, **cluster}},
        "contention": [race],
        "memory": {"messages": 9, "rss_start_mib": 200.0, "rss_end_mib": 201.0, "growth_mib": 1.0},
    }
    return found | {"verdict": verdict(found)}


def test_the_sections_of_a_full_run_are_those_that_pages_and_targets_need():
    found = _found()

    assert set(FULL.sections) == found.keys() - {"about", "verdict"}
    assert TARGETS.keys() | CEILINGS.keys() <= found["verdict"].keys()


@pytest.mark.parametrize("name", page.PAGES)
def test_every_page_can_be_filled(name):
    filled = page.filled((ROOT / name).read_text(encoding="utf-8"), _found())

    assert "No full run" not in filled
    assert filled == page.filled(filled, _found())


def test_every_picture_can_be_drawn(tmp_path):
    plots.draw(_found(), tmp_path)

    assert {f"speed-{name.replace('_', '-')}.svg" for name in plots.PICTURES} == {p.name for p in tmp_path.iterdir()}


def test_the_table_can_be_shown(tmp_path):
    with (tmp_path / "table.txt").open("w", encoding="utf-8") as file:
        show(_found(), Console(file=file, width=200))

    assert "competent script" in (tmp_path / "table.txt").read_text(encoding="utf-8")


def test_the_result_is_json():
    assert json.loads(json.dumps(_found())) == _found()
