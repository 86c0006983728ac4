"""`python -m trainer fit` without --frozen: the encoder learns, too."""

import json
import os
import signal
from itertools import chain, repeat

import numpy as np
import pytest
from safetensors import safe_open
from typer.testing import CliRunner

import textsieve.trainer.fit
import textsieve.trainer.training.fine_tuning
import textsieve.trainer.training.forward_pass
from tests.unit.trainer.conftest import rows, write_rows
from textsieve.trainer.__main__ import app
from textsieve.worker.inference.bundle.reading import read_bundle
from textsieve.worker.inference.loading import load_embedder, load_predictor
from textsieve.worker.settings import ModelSettings

RATES = ("--learning-rate", "0.01", "--head-learning-rate", "0.05")
QUICK = ("--threads", "1", "--epochs", "6", "--patience", "6", "--batch-size", "8", *RATES)


@pytest.fixture
def fit(tmp_path, encoder_folder):
    def run(data, name="bundle", *options):
        arguments = ["fit", data, "--out", tmp_path / name, "--encoder", encoder_folder, *QUICK, *options]
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    return run


def settings(path):
    return ModelSettings(path=str(path), device="cpu", engine="torch", precision="fp32", max_batch_tokens=256)


def test_a_file_becomes_a_bundle_that_a_worker_serves_in_one_pass(tmp_path, texts, fit):
    result = fit(texts, "bundle", "--version", "7")

    predictor = load_predictor(settings(tmp_path / "bundle"))
    answers = predictor.predict(["free cash at", "see dinner you"])
    assert 0 == result.exit_code, result.output
    assert ["spam", "ham"] == [predictor.card.labels[row.argmax()] for row in answers.probabilities]
    assert pytest.approx([1, 1], abs=1e-5) == np.linalg.norm(answers.embeddings, axis=1)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_both_precisions_learn_and_the_bundle_says_which_it_was(tmp_path, texts, fit, precision):
    fit(texts, "bundle", "--precision", precision)

    answers = load_predictor(settings(tmp_path / "bundle")).predict(["free cash at", "see dinner you"])
    assert [1, 0] == answers.probabilities.argmax(axis=1).tolist()
    assert f"| arithmetic | products in {precision}, weights in fp32 |" in (
        tmp_path / "bundle" / "README.md"
    ).read_text(encoding="utf-8")


def test_the_served_probabilities_are_the_calibrated_ones_of_the_training(tmp_path, texts, fit):
    line = json.loads(fit(texts, "bundle", "--json").stdout)

    manifest = read_bundle(tmp_path / "bundle").manifest

    assert line["temperature"] == manifest.temperature
    assert ("mean", "cls", 3) == (manifest.pooling, manifest.head_pooling, manifest.format)


def test_labels_that_may_hold_at_once_are_answered_independently(tmp_path, two_labels, fit):
    result = fit(two_labels, "bundle", "--epochs", "12", "--patience", "12")

    predictor = load_predictor(settings(tmp_path / "bundle"))
    answers = predictor.predict(["free win now", "see dinner you"]).probabilities > 0.5
    assert 0 == result.exit_code, result.output
    assert ("ham", "spam", "urgent") == predictor.card.labels
    assert [[False, True, True], [True, False, False]] == answers.tolist()


def test_the_embedding_is_held_near_the_original_one(tmp_path, texts, encoder_folder, fit):
    original, _ = load_embedder(settings(encoder_folder))
    text = ["free cash you"]

    def cosine(name, weight):
        fit(texts, name, "--keep-embedding", weight)
        tuned = load_predictor(settings(tmp_path / name)).predict(text).embeddings
        return float((tuned * original.predict(text).embeddings).sum())

    assert cosine("free", "0") < 0.9 < cosine("held", "20")


def test_another_encoder_is_another_embedding_space(tmp_path, texts, encoder_folder, fit):
    fit(texts)

    _, original = load_embedder(settings(encoder_folder))

    assert original.fingerprint != load_predictor(settings(tmp_path / "bundle")).card.fingerprint


def test_fitting_again_gives_the_same_weights(tmp_path, texts, fit):
    for name in ("one", "two"):
        fit(texts, name)

    one, two = (read_bundle(tmp_path / name).manifest for name in ("one", "two"))

    assert one.files == two.files


def test_an_interrupted_run_ends_as_if_nothing_had_happened(tmp_path, texts, fit, monkeypatch):
    monkeypatch.setattr(textsieve.trainer.training.fine_tuning, "CHECKPOINT_STEPS", 2)
    learn = textsieve.trainer.training.fine_tuning.FineTuning._learn
    steps = iter(range(100))

    def interrupted(self, rows):
        if next(steps) == 13:  # in the second of six epochs of eight steps, after a checkpoint
            raise KeyboardInterrupt
        return learn(self, rows)

    with monkeypatch.context() as patch:
        patch.setattr(textsieve.trainer.training.fine_tuning.FineTuning, "_learn", interrupted)
        stopped = fit(texts, "bundle")
    left = sorted(path.name for path in (tmp_path / "bundle.work").iterdir())
    fit(texts, "bundle")
    fit(texts, "straight")

    assert (130, ["best.safetensors", "latest.safetensors"]) == (stopped.exit_code, left[:2])
    assert "goes on" in stopped.stderr
    assert read_bundle(tmp_path / "straight").manifest.files == read_bundle(tmp_path / "bundle").manifest.files
    assert not (tmp_path / "bundle.work").exists()


def test_ctrl_c_loses_no_step(tmp_path, texts, fit, monkeypatch):
    learn = textsieve.trainer.training.fine_tuning.FineTuning._learn
    steps = iter(range(100))

    def interrupted(self, rows):
        if next(steps) == 3:
            os.kill(os.getpid(), signal.SIGINT)
        return learn(self, rows)

    with monkeypatch.context() as patch:
        patch.setattr(textsieve.trainer.training.fine_tuning.FineTuning, "_learn", interrupted)
        stopped = fit(texts, "bundle")
    with safe_open(tmp_path / "bundle.work" / "latest.safetensors", framework="pt") as file:
        facts = json.loads(file.metadata()["facts"])

    assert (130, 4) == (stopped.exit_code, facts["step"])


def test_a_checkpoint_of_other_options_is_refused(tmp_path, texts, fit, monkeypatch):
    def interrupt(self, rows):
        raise KeyboardInterrupt

    monkeypatch.setattr(textsieve.trainer.training.fine_tuning, "CHECKPOINT_STEPS", 1)
    learn, steps = textsieve.trainer.training.fine_tuning.FineTuning._learn, iter(range(9))
    with monkeypatch.context() as patch:
        patch.setattr(
            textsieve.trainer.training.fine_tuning.FineTuning,
            "_learn",
            lambda self, rows: learn(self, rows) if next(steps) < 3 else interrupt(self, rows),
        )
        fit(texts)

    result = fit(texts, "bundle", "--seed", "4")

    assert 2 == result.exit_code
    assert "interrupted run of other" in result.stderr


@pytest.mark.parametrize("option", ["--learning-rate", "--head-learning-rate"])
def test_a_training_that_comes_to_no_numbers_writes_no_bundle(tmp_path, texts, fit, option):
    result = fit(texts, "bundle", option, "inf")

    assert 2 == result.exit_code
    assert "expected a finite loss" in result.stderr
    assert not (tmp_path / "bundle").exists()


def test_lists_without_any_label_are_refused(tmp_path, fit):
    path = write_rows(tmp_path / "none.jsonl", ({"text": row["text"], "label": []} for row in rows()))

    result = fit(path)

    assert 2 == result.exit_code
    assert "expected labels, got empty lists only" in result.stderr


def test_validation_texts_of_ones_own_must_be_others(tmp_path, texts, fit):
    result = fit(texts, "bundle", "--validation", texts)

    assert 2 == result.exit_code
    assert "expected no text of the training data, got 64 (lines 1, 2" in result.stderr


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "expected labelled texts, got none"),
        ([{"text": " ", "label": ["a"]}], "expected labelled texts, got none"),
        (
            [{"text": t, "label": label} for t, label in (("a", "x"), ("b", "x"), ("c", "y"), ("d", "y"))],
            "--validation-share",
        ),
    ],
)
def test_too_few_texts_are_refused_with_what_to_do(tmp_path, fit, lines, message):
    path = tmp_path / "few.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")

    result = fit(path)

    assert 2 == result.exit_code
    assert message in result.stderr


def test_fine_tuning_does_not_speak_of_folds(tmp_path, fit):
    path = tmp_path / "few.jsonl"
    path.write_text('{"text": "a", "label": "x"}\n{"text": "b", "label": "y"}\n', encoding="utf-8")

    result = fit(path)

    assert 2 == result.exit_code
    assert "one for each part, training and validation, got 1; add examples or merge labels\n" in result.stderr


@pytest.mark.parametrize(("losses", "hinted"), [((0.7, 0.5), True), ((0.5, 0.49), False), ((0.4,), False)])
def test_learning_that_ends_too_early_is_told(monkeypatch, texts, fit, losses, hinted):
    measured = chain(losses, repeat(losses[-1]))  # the kept epoch is judged once more
    monkeypatch.setattr(textsieve.trainer.training.forward_pass, "log_loss", lambda *_, **__: next(measured))

    result = fit(texts, "bundle", "--epochs", len(losses))

    assert 0 == result.exit_code, result.stderr
    assert hinted == ("try more --epochs" in result.stdout)


def test_validation_texts_of_ones_own_pick_the_epoch(tmp_path, texts, fit):
    lines = texts.read_text(encoding="utf-8").splitlines(keepends=True)
    train, validation = tmp_path / "train.jsonl", tmp_path / "validation.jsonl"
    train.write_text("".join(lines[::2]), encoding="utf-8")
    validation.write_text("".join(lines[1::2]), encoding="utf-8")

    line = json.loads(fit(train, "bundle", "--validation", validation, "--json").stdout)

    assert (32, 32) == (line["trained"], line["validated"])


def test_the_card_says_what_was_done_and_no_text(tmp_path, texts, fit):
    fit(texts, "bundle", "--citation", "Me 2026")

    card = (tmp_path / "bundle" / "README.md").read_text(encoding="utf-8")

    assert all(fact in card for fact in ("Me 2026", "fine-tuned", "mean cosine to the original", "8 texts"))
    assert "dinner" not in card


def test_disguised_forms_are_shown_in_training_and_not_in_validation(tmp_path, texts, fit, monkeypatch):
    seen = []
    fine_tune = textsieve.trainer.fit.fine_tune

    def watched(encoder, options, *, train, validation, **others):
        seen.extend((train, validation))
        return fine_tune(encoder, options, train=train, validation=validation, **others)

    monkeypatch.setattr(textsieve.trainer.fit, "fine_tune", watched)
    line = json.loads(fit(texts, "bundle", "--augment", "0.5", "--epochs", "1", "--json").stdout)

    train, validation = seen
    plain = {json.loads(text)["text"] for text in texts.read_text(encoding="utf-8").splitlines()}
    forms = [row for row in train.examples.kept if row.shown not in plain]
    assert 0 < line["augmented"] == len(forms)
    assert line["trained"] + line["augmented"] == len(train.examples.kept) == len(train.embeddings)
    assert all(row.shown in plain for row in validation.examples.kept)
    held = {row.line: original.tolist() for row, original in zip(train.examples.kept, train.embeddings, strict=True)}
    assert all(
        held[row.line] == original.tolist() for row, original in zip(train.examples.kept, train.embeddings, strict=True)
    )


def test_lists_of_labels_need_a_head_of_their_own(two_labels, fit):
    result = fit(two_labels, "bundle", "--frozen")

    assert 2 == result.exit_code
    assert "leave out --frozen" in result.stderr
