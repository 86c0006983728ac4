"""The keys of the JSON line: what was found, against what was aimed at."""

from collections.abc import Mapping
from typing import Any

TARGETS: Mapping[str, float] = {
    "ratio_auto_vs_script": 10.0,
    "ratio_auto_vs_hand_loop": 1.1,
    "ratio_auto_vs_one_at_a_time": 13.0,
    "ratio_fp32_vs_script": 6.0,
    "share_of_raw_forward": 0.92,
    "share_of_gemm_roof": 0.80,
    "mean_cosine": 0.995,
    "ratio_road_vs_plain_loop": 1.2,
    "ratio_road_vs_plain_loop_untokenised": 1.0,
    "scale_factor": 1.85,
    "ratio_exactly_once": 0.95,
}
CEILINGS: Mapping[str, float] = {
    "expected_loss": 0.002,
    "metrics_share": 0.01,
    "p99_at_half_load_seconds": 0.15,
    "clusters_share_k64": 0.02,
    "clusters_share_k1000": 0.10,
    "memory_growth_mib": 16.0,
    "p99_exactly_once_over_commit": 1.0,
}
DIGITS = 4


def verdict(found: Mapping[str, Any]) -> dict[str, float]:
    """Every figure for which the run holds what it needs; the others are left out."""
    told: dict[str, float] = {}
    for name, value in (*_side(found), *_engine(found), *_road(found), *_rest(found)):
        if value is not None:
            told[name] = round(float(value), DIGITS)
    return told


def reached(name: str, value: float) -> bool | None:
    """Whether a figure reaches its target; None where there is none."""
    if name in TARGETS:
        return value >= TARGETS[name]
    return value <= CEILINGS[name] if name in CEILINGS else None


def against_targets(told: Mapping[str, float]) -> dict[str, dict[str, Any]]:
    """Each figure with its target, and whether it reaches it."""
    word = {True: "reached", False: "missed", None: ""}
    return {
        name: {
            "measured": value,
            "target": ""
            if (target := TARGETS.get(name, CEILINGS.get(name))) is None
            else f"{'≥' if name in TARGETS else '≤'} {target:g}",
            "outcome": word[reached(name, value)],
        }
        for name, value in told.items()
    }


def _median(found: Mapping[str, Any], section: str, name: str) -> float | None:
    measured = found.get(section, {}).get(name)
    return None if measured is None else float(measured["median"])


def _ratio(above: float | None, below: float | None) -> float | None:
    return above / below if above is not None and below else None


def _side(found: Mapping[str, Any]) -> list[tuple[str, float | None]]:
    auto, fp32 = (_median(found, "side_by_side", f"textsieve {name}") for name in ("auto", "fp32"))
    script = _median(found, "side_by_side", "competent script")
    hands = [_median(found, "side_by_side", f"hand loop {name}") for name in ("fp32", "int8")]
    best = max((hand for hand in hands if hand is not None), default=None)
    return [
        ("ratio_auto_vs_script", _ratio(auto, script)),
        ("ratio_fp32_vs_script", _ratio(fp32, script)),
        ("ratio_auto_vs_one_at_a_time", _ratio(auto, _median(found, "side_by_side", "one at a time"))),
        ("ratio_auto_vs_hand_loop", _ratio(auto, best)),
        ("ratio_fp32_vs_hand_loop_fp32", _ratio(fp32, hands[0])),
        ("ratio_script_vs_quix_streams", _ratio(script, _median(found, "side_by_side", "quix-streams"))),
    ]


def _engine(found: Mapping[str, Any]) -> list[tuple[str, float | None]]:
    told = found.get("engines")
    if told is None:
        return []
    auto = told["forward"]["auto"]["messages_per_second"]["median"]
    end_to_end = _median(found, "side_by_side", "textsieve auto")
    fp32 = _median(found, "side_by_side", "textsieve fp32")
    roof = told["roof_tokens_per_second"] / told["mean_tokens"]  # messages per second
    agreement = told["accuracy"]["auto"].values()
    return [
        ("share_of_raw_forward", _ratio(end_to_end, auto)),
        ("share_of_gemm_roof", told["forward"]["fp32"]["share_of_roof"]),
        ("share_of_gemm_roof_end_to_end", _ratio(end_to_end, roof)),
        ("share_of_gemm_roof_end_to_end_fp32", _ratio(fp32, roof)),
        ("label_agreement", min(one["label_agreement"] for one in agreement)),
        ("expected_loss", max((one["expected_loss"] for one in agreement if "expected_loss" in one), default=None)),
        ("mean_cosine", min(one["mean_cosine"] for one in agreement)),
    ]


def _road(found: Mapping[str, Any]) -> list[tuple[str, float | None]]:
    def ratio(suffix: str) -> float | None:
        return _ratio(_median(found, "road", f"textsieve{suffix}"), _median(found, "road", f"plain loop{suffix}"))

    return [
        ("ratio_road_vs_plain_loop", ratio(", tokenising")),
        ("ratio_road_vs_plain_loop_untokenised", ratio("")),
        ("metrics_share", found.get("metering", {}).get("metrics_share")),
    ]


def _later(told: Mapping[str, Any]) -> float | None:
    """Milliseconds by which the 99th percentile is later with transactions than without."""
    if "latency" not in told:
        return None
    without, with_them = (told["latency"][way]["p99"] for way in ("at_least_once", "exactly_once"))
    return 1000 * float(with_them - without)


def _rest(found: Mapping[str, Any]) -> list[tuple[str, float | None]]:
    told = found.get("guarantee", {})
    return [
        ("ratio_exactly_once", told.get("factors", {}).get("median")),
        ("p99_exactly_once_over_commit", _ratio(_later(told), told.get("commit_milliseconds"))),
        ("scale_factor", found.get("scale", {}).get("factor")),
        ("p99_at_half_load_seconds", found.get("latency", {}).get("50%", {}).get("p99")),
        ("clusters_share_k64", found.get("clusters", {}).get("64", {}).get("share")),
        ("clusters_share_k1000", found.get("clusters", {}).get("1000", {}).get("share")),
        ("memory_growth_mib", found.get("memory", {}).get("growth_mib")),
    ]
