"""`python -m trainer fit` from a file to a bundle that a worker serves."""

import json
import os
import signal

import numpy as np
import pytest
from typer.testing import CliRunner

import textsieve.trainer.fit
from textsieve.trainer.__main__ import app
from textsieve.worker.inference.bundle.reading import read_bundle
from textsieve.worker.inference.loading import load_predictor
from textsieve.worker.settings import ModelSettings

SPAM = ("win cash prize", "free ringtone text", "claim your reward", "urgent you won", "cheap loans call")
HAM = ("see you at home", "dinner is ready", "running late sorry", "call me later", "are you at work")
ENDINGS = ("", " now", " today", " please")
ROWS = [(text + end, label) for texts, label in ((SPAM, "spam"), (HAM, "ham")) for text in texts for end in ENDINGS]


@pytest.fixture
def data(tmp_path):
    path = tmp_path / "messages.jsonl"
    rows = [*ROWS, (ROWS[0][0].upper(), "spam")]
    path.write_text("".join(json.dumps({"text": t, "label": label}) + "\n" for t, label in rows), encoding="utf-8")
    return path


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_a_file_becomes_a_bundle_that_a_worker_serves(tmp_path, data):
    out = tmp_path / "bundle"

    result = run("fit", data, "--frozen", "--out", out, "--threads", 1, "--version", "7")

    predictor = load_predictor(
        ModelSettings(path=str(out), device="cpu", engine="torch", precision="fp32", max_batch_tokens=512)
    )
    predicted = predictor.predict(["claim your cash prize", "see you at dinner"]).probabilities.argmax(axis=1)
    assert 0 == result.exit_code, result.output
    assert ("bundle", "7", ["spam", "ham"]) == (
        predictor.card.name,
        predictor.card.version,
        [predictor.card.labels[index] for index in predicted],
    )


def test_json_is_one_line_with_the_scores(tmp_path, data):
    result = run("fit", data, "--frozen", "--out", tmp_path / "b", "--threads", 1, "--json")

    line = json.loads(result.stdout)
    assert (41, 40, 1, 0) == (line["rows"], line["used"], line["duplicates"], line["conflicts"])
    assert line["metrics"]["accuracy"]["mean"] > 0.6


def test_the_card_states_the_facts_and_no_text(tmp_path, data):
    run(
        "fit",
        data,
        "--frozen",
        "--out",
        tmp_path / "b",
        "--threads",
        1,
        "--citation",
        "Me 2026",
        "--data-licence",
        "CC0",
    )

    card = (tmp_path / "b" / "README.md").read_text(encoding="utf-8")

    manifest = read_bundle(tmp_path / "b").manifest
    expected = ("Me 2026", "CC0", manifest.data.sha256, f"{manifest.metrics['spam.f1'].mean:.4f}")
    assert all(fact in card for fact in expected)
    assert not any(text in card for text, _ in ROWS)


def test_disguised_texts_are_shown_and_counted(tmp_path, data):
    result = run("fit", data, "--frozen", "--augment", "0.5", "--out", tmp_path / "b", "--threads", 1, "--json")

    manifest = read_bundle(tmp_path / "b").manifest
    card = (tmp_path / "b" / "README.md").read_text(encoding="utf-8")
    assert 0 == result.exit_code, result.output
    assert 0 < json.loads(result.stdout)["augmented"] == manifest.augmented <= 20
    assert manifest.normalized
    assert f"undone before it reads a text; {manifest.augmented} texts were also shown disguised" in card


def test_a_model_may_learn_from_texts_as_they_come(tmp_path, data):
    run("fit", data, "--frozen", "--no-normalize", "--out", tmp_path / "b", "--threads", 1)

    assert not read_bundle(tmp_path / "b").manifest.normalized
    assert "`model.normalize` false" in (tmp_path / "b" / "README.md").read_text(encoding="utf-8")


def test_fitting_again_gives_the_same_head(tmp_path, data):
    for name in ("one", "two"):
        run("fit", data, "--frozen", "--out", tmp_path / name, "--threads", 1)

    one, two = (read_bundle(tmp_path / name) for name in ("one", "two"))

    assert np.array_equal(one.weight, two.weight)
    assert one.manifest.metrics == two.manifest.metrics


@pytest.mark.parametrize(
    "arguments", [("--label-column", "kind"), ("--encoder", "/no/such/folder"), ("--device", "tpu"), ("--folds", "21")]
)
def test_bad_options_exit_with_two_and_one_message(tmp_path, data, arguments):
    result = run("fit", data, "--frozen", "--out", tmp_path / "b", "--threads", 1, *arguments)

    assert 2 == result.exit_code
    assert "error: " in result.stderr
    assert "Traceback" not in result.stderr


def test_a_folder_of_other_files_is_left_alone(tmp_path, data):
    result = run("fit", data, "--frozen", "--out", tmp_path, "--threads", 1)

    assert 2 == result.exit_code
    assert ["messages.jsonl"] == [path.name for path in tmp_path.iterdir()]


def test_descriptions_are_learned_from_and_the_card_says_how_many(tmp_path, data):
    described = tmp_path / "labels.toml"
    described.write_text('spam = ["you won a prize", "cheap offer"]\nham = ["meet me at home"]\n', encoding="utf-8")

    result = run(
        "fit", data, "--frozen", "--descriptions", described, "--out", tmp_path / "b", "--threads", 1, "--json"
    )

    assert 3 == json.loads(result.stdout)["descriptions"]
    assert "| descriptions | 3, learned from" in (tmp_path / "b" / "README.md").read_text(encoding="utf-8")


def test_descriptions_are_for_frozen_heads(tmp_path, data):
    described = tmp_path / "labels.toml"
    described.write_text("", encoding="utf-8")

    result = run("fit", data, "--descriptions", described, "--out", tmp_path / "b")

    assert 2 == result.exit_code
    assert "--descriptions: expected --frozen beside it" in result.stderr


def test_only_rows_of_one_value_are_trained_on(tmp_path):
    path = tmp_path / "rows.csv"
    lines = [f"{text},{label},{lang}" for text, label in ROWS for lang in ("en", "de")]
    path.write_text("\n".join(["text,label,lang", *lines]) + "\n", encoding="utf-8")

    result = run("fit", path, "--frozen", "--only", "lang=de", "--out", tmp_path / "b", "--threads", 1, "--json")

    assert (40, 0) == (json.loads(result.stdout)["rows"], json.loads(result.stdout)["duplicates"])


def test_a_label_in_too_few_groups_is_refused_before_anything_is_embedded(tmp_path):
    path = tmp_path / "rows.csv"
    lines = [f"{text},{label},{label}-{number % 3}" for number, (text, label) in enumerate(ROWS)]
    path.write_text("\n".join(["text,label,thread", *lines]) + "\n", encoding="utf-8")

    result = run("fit", path, "--frozen", "--group", "thread", "--out", tmp_path / "b")

    assert 2 == result.exit_code
    assert "label 'ham': expected at least 5 distinct groups, one for each fold, got 3" in result.stderr


def test_groups_stay_together_while_a_head_is_judged(tmp_path):
    path = tmp_path / "rows.csv"
    lines = [f"{text},{label},{label}-{number % 8}" for number, (text, label) in enumerate(ROWS)]
    path.write_text("\n".join(["text,label,thread", *lines]) + "\n", encoding="utf-8")

    result = run("fit", path, "--frozen", "--group", "thread", "--out", tmp_path / "b", "--threads", 1, "--json")

    assert 0 == result.exit_code, result.output
    assert 40 == sum(map(sum, json.loads(result.stdout)["confusion"]))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_frozen_fit_without_a_bundle_or_a_promise(tmp_path, data, monkeypatch, number):
    before = signal.getsignal(number)
    monkeypatch.setattr(textsieve.trainer.fit, "fit_linear_probe", lambda *_, **__: os.kill(os.getpid(), number))
    monkeypatch.setattr(textsieve.trainer.fit, "LinearProbeFacts", lambda **_: pytest.fail("went on"))

    result = run("fit", data, "--frozen", "--out", tmp_path / "bundle", "--threads", 1)

    assert (130, before) == (result.exit_code, signal.getsignal(number))
    assert "interrupted" in result.stderr
    assert "goes on" not in result.stderr
    assert not (tmp_path / "bundle").exists()


def test_texts_that_are_learned_from_in_part_are_told(tmp_path, data, encoder_folder):
    with data.open("a", encoding="utf-8") as file:
        file.write(json.dumps({"text": "win cash now " * 10, "label": "spam"}) + "\n")
    options = ("--frozen", "--threads", 1, "--encoder", encoder_folder)

    told = run("fit", data, "--out", tmp_path / "told", *options)
    counted = run("fit", data, "--out", tmp_path / "counted", *options, "--json")

    assert "longer than 16 tokens: 1 of 41 texts; nothing was learned from what lies beyond" in told.stdout
    assert 1 == json.loads(counted.stdout)["truncated"]


def test_a_table_is_read_as_its_options_say(tmp_path, encoder_folder):
    path = tmp_path / "rows.dat"
    path.write_bytes("".join(f"{label}^{text} “x”\n" for text, label in ROWS).encode("cp1252"))
    layout = ("--format", "csv", "--delimiter", "^", "--encoding", "cp1252", "--no-header", "--no-quotes")
    columns = ("--text-column", 2, "--label-column", 1)

    result = run("fit", path, "--out", tmp_path / "b", "--frozen", "--encoder", encoder_folder, *layout, *columns)

    assert 0 == result.exit_code, result.output
    assert ("ham", "spam") == read_bundle(tmp_path / "b").manifest.labels


def test_a_wrong_delimiter_is_an_error_of_the_options(tmp_path, data):
    result = run("fit", data, "--out", tmp_path / "b", "--delimiter", "||")

    assert (2, True) == (result.exit_code, "--delimiter: expected one character" in result.stderr)
