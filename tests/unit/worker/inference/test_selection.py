"""The settings say what may run, a calibration says what does, and its finding is kept."""

import msgspec
import numpy as np
import pytest
import torch
from structlog.testing import capture_logs
from torch import nn

from worker.errors import ConfigurationError, PredictorError
from worker.inference import selection, workshop
from worker.inference.bundle import read_bundle, write_bundle
from worker.inference.calibration import BUDGETS, FIRST_BUDGET, REFERENCE, Candidate
from worker.inference.engines.engine import Answers, TokenBatch
from worker.inference.engines.export import export_graph
from worker.inference.loading import load_predictor
from worker.inference.machine import Cpu
from worker.inference.predictor import ModelCard
from worker.inference.selection import candidates
from worker.inference.shelf import Shelf
from worker.inference.tokens import Tokens
from worker.inference.transformer import TransformerPredictor
from worker.inference.trials import PATIENCE_SECONDS, calibrate
from worker.inference.workshop import as_set
from worker.settings import ModelSettings
from worker.testing import ManualClock

PLAIN, WITH_BF16 = Cpu("x86_64/old/2", frozenset({"avx2"})), Cpu("x86_64/new/2", frozenset({"avx512_bf16"}))
INT8, BF16, ONNX = Candidate("onnx", "int8"), Candidate("torch", "bf16"), Candidate("onnx", "fp32")
TEXTS = ["a", "bb c", "ddd", "e f g h"] * 5


def allowed(*, cpu=WITH_BF16, onnx_installed=True, **settings):
    return candidates(ModelSettings(device="cpu", **settings), cpu=cpu, onnx_installed=onnx_installed)


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
        candidates(settings, cpu=PLAIN, onnx_installed=True)


class Letters:
    def tokenize(self, texts):
        lengths = np.asarray([len(text) for text in texts], np.int64)
        return Tokens([np.ones(n, np.int64) for n in lengths], lengths, np.zeros(len(texts), np.bool_))

    def pad(self, tokens, rows):
        mask = (np.arange(tokens.lengths[rows].max()) < tokens.lengths[rows][:, None]).astype(np.int64)
        return TokenBatch(mask, mask)


class Paid:
    """An engine that takes so long for a text, by a clock of ours."""

    def __init__(self, clock, seconds, *, spam=0.0, lean=0.0):
        self.clock, self.seconds, self.spam, self.lean = clock, seconds, spam, lean
        self.calls = 0

    def embed_and_classify(self, batch):
        self.calls += 1
        rows = len(batch.input_ids)
        self.clock.advance(self.seconds * rows)
        spam = np.full(rows, self.spam, np.float32)
        embedding = np.asarray([np.cos(self.lean), np.sin(self.lean)], np.float32)
        return Answers(np.stack([1 - spam, spam], axis=1), np.tile(embedding, (rows, 1)))


class FakeWorkshop:
    """Hands out engines by name; one that is an error is raised."""

    card = ModelCard("m", "1", ("ham", "spam"), 2, 99, "f")

    def __init__(self, **engines):
        self.engines = {name.replace("_", " "): engine for name, engine in engines.items()}
        self.model = self

    def predictor(self, candidate, *, max_batch_tokens):
        engine = self.engines[candidate.name]
        if isinstance(engine, Exception):
            raise engine
        report = as_set(candidate, max_batch_tokens)
        return TransformerPredictor(
            self.card, tokenizer=Letters(), engine=engine, max_batch_tokens=max_batch_tokens, report=report
        )


@pytest.fixture
def clock():
    return ManualClock()


def run(clock, *possible, **engines):
    return calibrate(FakeWorkshop(**engines), possible, texts=TEXTS, clock=clock)


def test_the_fastest_that_agrees_is_reported_with_every_trial(clock):
    report, complete = run(
        clock, REFERENCE, INT8, ONNX,
        torch_fp32=Paid(clock, 0.010), onnx_int8=Paid(clock, 0.005), onnx_fp32=Paid(clock, 0.008),
    )  # fmt: skip

    assert complete
    assert ("onnx", "int8") == (report.engine, report.precision)
    assert [100.0, 200.0, 125.0] == [trial.messages_per_second for trial in report.trials]
    assert report.max_batch_tokens in BUDGETS


def test_float32_is_not_tried_where_int8_agrees_and_is_far_faster(clock):
    never = Paid(clock, 0.001)

    report, complete = run(
        clock, REFERENCE, INT8, ONNX,
        torch_fp32=Paid(clock, 0.010), onnx_int8=Paid(clock, 0.003), onnx_fp32=never,
    )  # fmt: skip

    assert complete
    assert (0, "int8") == (never.calls, report.precision)
    assert "not tried" in report.trials[2].fault


@pytest.mark.parametrize("fault", [{"spam": 1.0}, {"lean": 0.5}])
def test_one_whose_labels_or_embeddings_differ_is_refused(clock, fault):
    report, _ = run(
        clock, REFERENCE, INT8, torch_fp32=Paid(clock, 0.010), onnx_int8=Paid(clock, 0.001, **fault)
    )  # fmt: skip

    assert "torch" == report.engine
    assert "onnx int8 refused" in report.why


def test_one_that_cannot_be_made_is_told_and_left_out(clock):
    with capture_logs() as lines:
        report, _ = run(
            clock, REFERENCE, INT8, torch_fp32=Paid(clock, 0.010), onnx_int8=PredictorError("no such operator")
        )  # fmt: skip

    assert "torch" == report.engine
    assert "no such operator" == report.trials[1].fault
    assert ["onnx int8"] == [line["engine"] for line in lines]


def test_one_that_was_asked_for_and_cannot_run_is_a_configuration_error(clock):
    with pytest.raises(ConfigurationError, match=r"model\.engine, model\.precision: onnx int8 cannot run: broken"):
        run(clock, INT8, torch_fp32=Paid(clock, 0.010), onnx_int8=PredictorError("broken"))


def test_one_that_was_asked_for_and_differs_is_taken_with_a_warning(clock):
    with capture_logs() as lines:
        report, _ = run(clock, INT8, torch_fp32=Paid(clock, 0.010), onnx_int8=Paid(clock, 0.001, lean=0.5))

    assert "int8" == report.precision
    assert ["warning"] == [line["log_level"] for line in lines]


def test_a_network_that_does_not_run_at_all_is_no_choice(clock):
    with pytest.raises(PredictorError, match="broken"):
        run(clock, REFERENCE, INT8, torch_fp32=PredictorError("broken"), onnx_int8=Paid(clock, 0.001))


def test_a_machine_too_busy_tries_less_and_says_that_it_is_not_complete(clock):
    slow = PATIENCE_SECONDS / len(TEXTS) * 2
    never = Paid(clock, 0.001)

    report, complete = run(clock, REFERENCE, INT8, torch_fp32=Paid(clock, slow), onnx_int8=never)

    assert not complete
    assert (0, "torch", FIRST_BUDGET) == (never.calls, report.engine, report.max_batch_tokens)
    assert "busy" in report.trials[1].fault


@pytest.fixture
def exports(monkeypatch):
    """Which precisions were exported, in order."""
    made = []

    def export(network, *, precision, largest_weight):
        made.append(precision)
        return export_graph(network, precision=precision, largest_weight=largest_weight)

    monkeypatch.setattr(workshop, "export_graph", export)
    return made


@pytest.fixture
def calibrations(monkeypatch):
    """How many calibrations ran."""
    ran = []

    def count(*arguments, **options):
        ran.append(1)
        return calibrate(*arguments, **options)

    monkeypatch.setattr(selection, "calibrate", count)
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
    options = {"threads": {"threads": 2}, "head": {}, "choice": {"precision": "fp32"}, "nothing": {}}[change]

    load_predictor(automatic(other, **options))

    assert (1 if change == "nothing" else 2) == len(calibrations)


def test_a_damaged_graph_is_made_again(bundle_folder, automatic, tmp_path, exports):
    only = automatic(bundle_folder, engine="onnx", precision="int8", max_batch_tokens=64)
    load_predictor(only)
    (graph,) = (tmp_path / "kept").glob("graph-int8-*")
    graph.write_bytes(graph.read_bytes()[:-1])

    load_predictor(only)

    assert ["int8", "int8"] == exports


def test_a_report_that_is_not_ours_is_not_believed(bundle_folder, automatic, tmp_path, calibrations):
    load_predictor(automatic(bundle_folder))
    (kept,) = (tmp_path / "kept").glob("choice-*")
    Shelf(tmp_path / "kept").put(kept.stem, msgspec.json.encode({"engine": "none of ours"}))

    load_predictor(automatic(bundle_folder))

    assert 2 == len(calibrations)


def test_a_choice_made_in_a_hurry_is_told_and_not_kept(bundle_folder, automatic, monkeypatch):
    hurries = []

    def hurry(*_, **__):
        hurries.append(1)
        return as_set(REFERENCE, FIRST_BUDGET), False

    monkeypatch.setattr(selection, "calibrate", hurry)

    with capture_logs() as lines:
        for _ in range(2):
            load_predictor(automatic(bundle_folder))

    assert 2 == len(hurries)
    assert ["too busy" in line["event"] for line in lines if line["log_level"] == "warning"] == [True, True]


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

    assert ["int8"] == exports
    said = [predictor.predict(["free prize"]).probabilities[0] for predictor in (one, two)]
    assert not np.allclose(said[0], said[1], atol=0.1)


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
        export_graph(Strange(), precision="fp32")

    assert "" == capfd.readouterr().out
