"""Layers behind a pooling do not learn: refused before any text is embedded, and a head over them is served."""

import json

import pytest
import torch
from safetensors.torch import save_file

from textsieve.worker.inference.bundle.reading import read_bundle
from textsieve.worker.inference.loading import load_predictor
from textsieve.worker.settings import ModelSettings

DIM, OUTPUTS = 16, 6


@pytest.fixture
def dense_folder(encoder_folder):
    kinds = {"": "Transformer", "1_Pooling": "Pooling", "2_Dense": "Dense"}
    listed = [
        {"idx": index, "path": path, "type": f"sentence_transformers.models.{kind}"}
        for index, (path, kind) in enumerate(kinds.items())
    ]
    (encoder_folder / "modules.json").write_text(json.dumps(listed), encoding="utf-8")
    stated = {"1_Pooling": {"pooling_mode": "mean"}, "2_Dense": {"in_features": DIM, "out_features": OUTPUTS}}
    for name, content in stated.items():
        (encoder_folder / name).mkdir()
        (encoder_folder / name / "config.json").write_text(json.dumps(content), encoding="utf-8")
    torch.manual_seed(3)
    weights = {"linear.weight": torch.randn(OUTPUTS, DIM), "linear.bias": torch.randn(OUTPUTS)}
    save_file(weights, encoder_folder / "2_Dense" / "model.safetensors")
    return encoder_folder


@pytest.mark.parametrize(
    "command",
    [("fit", "--encoder"), ("cluster", "--method", "dec", "--model")],
    ids=["fine-tuning", "deep embedded clustering"],
)
def test_training_is_refused_before_texts_are_embedded(tmp_path, dense_folder, texts, run_trainer, command):
    name, *options = command
    work = tmp_path / "work"

    result = run_trainer(name, texts, *options, dense_folder, "--out", tmp_path / "b", "--work", work, "--threads", 1)

    assert 2 == result.exit_code, result.output
    assert "got one with dense layers behind it (modules.json)" in result.stderr
    assert not work.exists()
    assert not (tmp_path / "b").exists()


def test_a_head_over_dense_layers_is_trained_and_served(tmp_path, dense_folder, texts, run_trainer):
    out = tmp_path / "bundle"

    result = run_trainer("fit", texts, "--encoder", dense_folder, "--frozen", "--out", out, "--threads", 1)

    assert 0 == result.exit_code, result.output
    served = load_predictor(
        ModelSettings(path=str(out), device="cpu", engine="torch", precision="fp32", max_batch_tokens=256)
    )
    answers = served.predict(["free prize call", "see home now"])
    assert (OUTPUTS, 4) == (served.card.dim, read_bundle(out).manifest.format)
    assert ["spam", "ham"] == [served.card.labels[row.argmax()] for row in answers.probabilities]
