"""The README tells what each kind of processor reached, by runs that were made on it."""

import pytest

from benchmarks.speed.page import blocks
from benchmarks.speed.processors import kind, with_run

MACHINE = {"cpu": "2 x Some CPU", "instructions": "avx2"}


def spread(*rounds):
    return {"median": sorted(rounds)[len(rounds) // 2], "rounds": list(rounds)}


def run(ours=(150.0, 160.0, 140.0)):
    sides = {
        "competent script": spread(20.0, 20.0, 20.0),
        "hand loop fp32": spread(90.0, 90.0, 90.0),
        "hand loop int8": spread(100.0, 80.0, 140.0),
        "textsieve auto": spread(*ours),
    }
    engine = {"engine": "onnx", "precision": "int8"}
    return {"side_by_side": sides, "engines": {"forward": {"auto": {"engine": engine}}}}


@pytest.mark.parametrize(
    ("instructions", "expected"),
    [
        ("avx2", "AVX2 alone"),
        ("avx2 avx_vnni", "AVX2 with VNNI"),
        ("avx2 avx512f avx512_vnni avx512_bf16", "AVX-512 with VNNI"),
        ("avx2 avx512f avx512_vnni amx_int8", "AMX"),
        ("", "other"),
    ],
)
def test_a_processor_is_named_by_the_best_it_can_do(instructions, expected):
    assert expected == kind(instructions)


def test_a_run_replaces_the_row_of_its_own_kind_only():
    known = {"AMX": {"cpu": "1 x Other"}, "AVX2 alone": {"cpu": "1 x Older"}}

    found = with_run(known, run(), MACHINE)

    assert {"AMX": {"cpu": "1 x Other"}} == {name: row for name, row in found.items() if name == "AMX"}
    assert ("2 x Some CPU", 1.5, "onnx int8") == tuple(
        found["AVX2 alone"][name] for name in ("cpu", "beside_hand", "engine")
    )


def test_a_run_without_the_comparison_changes_nothing():
    assert {"AMX": {}} == with_run({"AMX": {}}, {"side_by_side": {}}, MACHINE)


def test_the_readme_has_a_row_for_each_kind():
    told = {"ratio_auto_vs_script": 7.5, "ratio_auto_vs_hand_loop": 1.5}

    block = blocks()["readme"]({"verdict": told, "processors": with_run({}, run(), MACHINE)})

    assert "| AVX2 alone (Some CPU) | 20 | 90 | 100 | 150 (onnx int8) | 1.50 |" in block
