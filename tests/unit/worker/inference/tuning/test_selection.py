"""The settings say what may run, a calibration says what does, and its finding is kept."""

import msgspec
import numpy as np
import pytest
import torch
from structlog.testing import capture_logs
from torch import nn

from tests.odd_folders import ARCHITECTURES, save_odd
from textsieve.worker.errors import ConfigurationError, PredictorError
from textsieve.worker.inference.artifact_cache import ArtifactCache
from textsieve.worker.inference.building.engine_builder import EngineBuilder
from textsieve.worker.inference.bundle.reading import read_bundle
from textsieve.worker.inference.bundle.writing import write_bundle
from textsieve.worker.inference.cpu_info import Cpu, allowed_processors, usable_cores
from textsieve.worker.inference.engines.report import REFERENCE, Candidate
from textsieve.worker.inference.graphs import export as exporting
from textsieve.worker.inference.graphs.export import export_graph
from textsieve.worker.inference.loading import load_predictor, read_model
from textsieve.worker.inference.tuning import autotune as autotuning
from textsieve.worker.inference.tuning import selection
from textsieve.worker.inference.tuning.autotune import autotune
from textsieve.worker.inference.tuning.candidates import allowed_candidates
from textsieve.worker.settings import ModelSettings

PLAIN, WITH_BF16 = Cpu("x86_64/old/2", frozenset({"avx2"})), Cpu("x86_64/new/2", frozenset({"avx512_bf16"}))
INT8, BF16, ONNX = Candidate("onnx", "int8"), Candidate("torch", "bf16"), Candidate("onnx", "fp32")


def allowed(*, cpu=WITH_BF16, onnx_installed=True, **settings):
    return allowed_candidates(ModelSettings(device="cpu", **settings), cpu=cpu, onnx_installed=onnx_installed)


def test_auto_tries_all_that_the_machine_computes_natively():
    assert [REFERENCE, INT8, BF16, ONNX] == allowed()
    assert [REFERENCE, INT8, ONNX] == allowed(cpu=PLAIN)


def test_without_onnx_runtime_torch_is_left():
    assert [REFERENCE, BF16] == allowed(onnx_installed=False)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"precision": "fp32"}, [REFERENCE, ONNX]),
        ({"precision": "int8"}, [INT8]),
        ({"engine": "onnx"}, [INT8, ONNX]),
        ({"engine": "torch"}, [REFERENCE]),
        ({"precision": "bf16"}, [BF16]),
        ({"engine": "onnx", "precision": "fp32"}, [ONNX]),
    ],
)
def test_what_is_set_narrows_the_choice(settings, expected):
    assert expected == allowed(cpu=PLAIN, **settings)


@pytest.mark.parametrize(
    "settings", [{"engine": "onnx"}, {"precision": "int8"}, {"engine": "onnx", "precision": "fp32"}]
)
def test_onnx_that_is_not_installed_is_named(settings):
    with pytest.raises(ConfigurationError, match=r"model\.engine .*model\.precision .*pip install onnxruntime"):
        allowed(onnx_installed=False, **settings)


def test_fp16_without_cuda_is_named():
    settings = ModelSettings(device="auto", precision="fp16")

    with pytest.raises(ConfigurationError, match=r"model\.precision fp16.*needs CUDA"):
        allowed_candidates(settings, cpu=PLAIN, onnx_installed=True)


@pytest.fixture(autouse=True)
def _brief_trials(monkeypatch):
    """Engines of tiny models are about as fast as each other: no turns until one of them is told apart."""
    monkeypatch.setattr(autotuning, "LEAST_SECONDS", 0.0)
    monkeypatch.setattr(autotuning, "LAPS", 0.0)


@pytest.fixture
def exports(monkeypatch):
    """One for each graph that torch made."""
    made = []

    def export(network):
        made.append(1)
        return export_graph(network)

    monkeypatch.setattr(exporting, "export_graph", export)
    return made


@pytest.fixture
def calibrations(monkeypatch):
    """How many calibrations ran."""
    ran = []

    def count(*arguments, **options):
        ran.append(1)
        return autotune(*arguments, **options)

    monkeypatch.setattr(selection, "autotune", count)
    return ran


@pytest.fixture
def automatic(settings_for, tmp_path):
    def settings(folder, **changes):
        free = {"engine": "auto", "precision": "auto", "max_batch_tokens": None, "cache_directory": tmp_path / "kept"}
        return settings_for(folder, **{**free, **changes})

    return settings


def test_the_second_start_reads_what_the_first_found(bundle_folder, automatic, calibrations, exports):
    first = load_predictor(automatic(bundle_folder))
    made = len(exports)
    second = load_predictor(automatic(bundle_folder))

    assert (1, made) == (len(calibrations), len(exports))
    assert (False, True) == (first.report.cached, second.report.cached)
    assert first.report.trials == second.report.trials
    assert type(first._engine) is type(second._engine)


@pytest.mark.parametrize("change", ["threads", "head", "choice", "nothing"])
def test_another_model_or_another_question_is_calibrated_anew(bundle_folder, automatic, calibrations, tmp_path, change):
    load_predictor(automatic(bundle_folder))
    bundle, other = read_bundle(bundle_folder), tmp_path / "other"
    turned = -bundle.weight if change == "head" else bundle.weight
    write_bundle(other, manifest=bundle.manifest, weight=turned, bias=bundle.bias, encoder_folder=bundle_folder)
    others = [threads for threads in range(1, allowed_processors() + 1) if threads != usable_cores()]
    if change == "threads" and not others:
        pytest.skip("documented: one processor has no other number of threads")
    options = {
        "threads": {"threads": min(others, default=1)},
        "head": {},
        "choice": {"precision": "fp32"},
        "nothing": {},
    }[change]

    load_predictor(automatic(other, **options))

    assert (1 if change == "nothing" else 2) == len(calibrations)


def test_a_damaged_graph_is_made_again(bundle_folder, automatic, tmp_path, exports):
    only = automatic(bundle_folder, engine="onnx", precision="fp32", max_batch_tokens=64)
    load_predictor(only)
    (graph,) = (tmp_path / "kept").glob("graph-fp32-*")
    graph.write_bytes(graph.read_bytes()[:-1])

    load_predictor(only)

    assert 2 == len(exports)


def test_a_report_that_is_not_ours_is_not_believed(bundle_folder, automatic, tmp_path, calibrations):
    load_predictor(automatic(bundle_folder))
    (kept,) = (tmp_path / "kept").glob("choice-*")
    ArtifactCache(tmp_path / "kept").put(kept.stem, msgspec.json.encode({"engine": "none of ours"}))

    with capture_logs() as lines:
        load_predictor(automatic(bundle_folder))

    assert 2 == len(calibrations)
    assert 1 == sum("is ignored" in line["event"] for line in lines)


def test_a_description_that_moves_to_the_next_label_is_not_answered_by_the_graph_that_was_kept(
    encoder_folder, automatic
):
    before = {"spam": ("free prize", "win cash"), "ham": ("see you",)}
    after = {"spam": ("free prize",), "ham": ("win cash", "see you")}
    onnx = {"engine": "onnx", "precision": "fp32", "max_batch_tokens": 512}

    said = [
        load_predictor(automatic(encoder_folder, labels=labels, **onnx)).predict(["win cash"]).probabilities
        for labels in (before, after)
    ]

    assert ["spam", "ham"] == [("spam", "ham")[int(row.argmax())] for (row,) in said]


def test_two_heads_over_one_encoder_share_one_graph(bundle_folder, automatic, tmp_path, exports):
    bundle, other = read_bundle(bundle_folder), tmp_path / "other"
    write_bundle(other, manifest=bundle.manifest, weight=-bundle.weight, bias=bundle.bias, encoder_folder=bundle_folder)
    onnx = {"engine": "onnx", "precision": "int8", "max_batch_tokens": 64}

    one, two = (load_predictor(automatic(folder, **onnx)) for folder in (bundle_folder, other))

    assert 1 == len(exports)
    said = [predictor.predict(["free prize"]).probabilities[0] for predictor in (one, two)]
    assert not np.allclose(said[0], said[1], atol=0.1)


def test_a_graph_that_int8_cannot_be_made_of_leaves_the_other_engines(tmp_path, automatic):
    deberta = next(one for one in ARCHITECTURES if one.model_type == "deberta")

    predictor = load_predictor(automatic(save_odd(tmp_path / "folder", deberta)))

    faults = {trial.name: trial.fault for trial in predictor.report.trials}
    assert faults["onnx int8"].startswith("int8: the graph cannot be made")
    assert not faults["torch fp32"]


def test_the_choice_of_a_processor_that_adds_otherwise_is_another(bundle_folder, automatic, tmp_path):
    model = read_model(automatic(bundle_folder))
    flags = (frozenset({"avx2"}), frozenset({"avx2", "avx512_vnni"}))
    keys = {
        EngineBuilder(model, ArtifactCache(tmp_path), Cpu("x86_64/Xeon/2", one)).report_key([INT8, ONNX])
        for one in flags
    }

    assert len(keys) == len(flags)  # machines of one name may differ in what their host lets through


def test_the_card_says_which_engine_answers(bundle_folder, automatic):
    settings = automatic(bundle_folder, engine="onnx", precision="fp32", max_batch_tokens=64)

    assert "onnx fp32" == load_predictor(settings).card.engine


def test_a_budget_that_is_set_is_taken_as_it_is(bundle_folder, automatic):
    predictor = load_predictor(automatic(bundle_folder, max_batch_tokens=77))

    assert (77, 77) == (predictor.max_batch_tokens, predictor.report.max_batch_tokens)


def test_where_nothing_can_be_kept_the_model_still_answers(bundle_folder, automatic, tmp_path):
    (tmp_path / "file").touch()

    with capture_logs() as lines:
        predictor = load_predictor(automatic(bundle_folder, cache_directory=tmp_path / "file" / "below"))

    assert 3 == predictor.predict(["free prize"]).probabilities.shape[1]
    warnings = [line["event"] for line in lines if line["log_level"] == "warning"]
    assert 1 == len([event for event in warnings if "model.cache_directory" in event])


def test_a_network_that_cannot_be_exported_is_a_predictor_error(capfd):
    class Strange(nn.Module):
        def forward(self, input_ids, attention_mask):
            return torch.linalg.svd(input_ids.float()).S, attention_mask.float()

    with pytest.raises(PredictorError, match="cannot export"):
        export_graph(Strange())

    assert "" == capfd.readouterr().out
