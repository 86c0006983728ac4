"""The JSON line says what was measured, and nothing that was not."""

from benchmarks.speed.figures import Spread
from benchmarks.speed.verdict import CEILINGS, TARGETS, reached, verdict


def _rates(**rates: float) -> dict[str, dict[str, float]]:
    return {name.replace("_", " "): {"median": Spread.of([rate]).median} for name, rate in rates.items()}


def test_ratios_are_of_medians():
    sides = _rates(textsieve_auto=300, textsieve_fp32=180, competent_script=30, one_at_a_time=20)

    found = verdict({"side_by_side": sides})

    assert {
        "ratio_auto_vs_script": 10.0,
        "ratio_fp32_vs_script": 6.0,
        "ratio_auto_vs_one_at_a_time": 15.0,
    } == found


def test_the_hand_loop_to_beat_is_the_faster_one():
    sides = _rates(textsieve_auto=300, hand_loop_fp32=100, hand_loop_int8=200)

    assert verdict({"side_by_side": sides})["ratio_auto_vs_hand_loop"] == 1.5


def test_agreement_is_that_of_the_worst_data_set():
    engines = {
        "forward": {
            "auto": {"messages_per_second": {"median": 400.0}},
            "fp32": {"share_of_roof": 0.8},
        },
        "roof_tokens_per_second": 4000.0,
        "mean_tokens": 20.0,
        "accuracy": {
            "auto": {
                "a": {"label_agreement": 1.0, "mean_cosine": 0.99},
                "b": {"label_agreement": 0.996, "mean_cosine": 0.999},
            }
        },
    }

    found = verdict({"engines": engines, "side_by_side": _rates(textsieve_auto=380)})

    assert (0.996, 0.99) == (found["label_agreement"], found["mean_cosine"])
    assert (0.95, 0.8, 1.9) == (
        found["share_of_raw_forward"],
        found["share_of_gemm_roof"],
        found["share_of_gemm_roof_end_to_end"],
    )


def test_the_metrics_share_is_a_share_of_the_road():
    assert verdict({"metering": {"metrics_share": 0.005}}) == {"metrics_share": 0.005}


def test_a_target_is_a_floor_or_a_ceiling():
    assert not TARGETS.keys() & CEILINGS.keys()
    assert (True, False) == (reached("ratio_auto_vs_script", 10.0), reached("metrics_share", 0.02))
    assert reached("label_agreement", 1.0) is None
