"""`python -m trainer threshold`: a new version of a bundle that a worker serves with the threshold it was given."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from tests.tiny_models import tiny_manifest
from tests.unit.trainer.conftest import DIM, in_wide_letters, rows, write_rows
from textsieve.trainer.__main__ import app
from textsieve.worker.inference.bundle.reading import read_bundle
from textsieve.worker.inference.bundle.writing import write_bundle
from textsieve.worker.inference.decisions import assigned_labels
from textsieve.worker.inference.loading import load_predictor
from textsieve.worker.settings import ModelSettings


@pytest.fixture
def bundle(tmp_path, encoder_folder):
    def write(*labels, **changes):
        rng = np.random.default_rng(3)
        write_bundle(
            tmp_path / "bundle",
            manifest=tiny_manifest(encoder_folder, labels, **changes),
            weight=rng.normal(size=(len(labels), DIM)).astype(np.float32),
            bias=np.zeros(len(labels), dtype=np.float32),
            encoder_folder=encoder_folder,
        )
        (tmp_path / "bundle" / "README.md").write_text("# tiny 1\n\nFacts.\n\n## Data\n\nMuch.\n", encoding="utf-8")
        return tmp_path / "bundle"

    return write


def run(*arguments):
    return CliRunner().invoke(app, ["threshold", *(str(argument) for argument in arguments), "--threads", "1"])


def served(folder, texts):
    settings = {"path": str(folder), "engine": "torch", "precision": "fp32", "max_batch_tokens": 512, "device": "cpu"}
    predictor = load_predictor(ModelSettings(**settings))
    said = assigned_labels(predictor.predict(texts).probabilities, predictor.card)
    return said[:, predictor.card.labels.index("spam")]


def test_the_worker_gives_the_label_as_often_as_was_promised(tmp_path, bundle, texts):
    before = bundle("ham", "spam")

    result = run(before, texts, "--label", "spam", "--recall", "0.9", "--out", tmp_path / "new", "--json")

    line = json.loads(result.stdout)
    spam = [row["text"] for row in rows() if row["label"] == "spam"]
    ham = [row["text"] for row in rows() if row["label"] == "ham"]
    hits, alarms = served(tmp_path / "new", spam).sum(), served(tmp_path / "new", ham).sum()
    assert pytest.approx(line["recall"]["value"]) == hits / len(spam)
    assert pytest.approx(line["precision"]["value"]) == hits / (hits + alarms)
    assert line["recall"]["value"] >= 0.9


def test_the_old_bundle_stays_and_the_new_one_says_what_changed(tmp_path, bundle, texts):
    before = bundle("ham", "spam")

    run(before, texts, "--label", "spam", "--recall", "0.9", "--out", tmp_path / "new")

    old, new = read_bundle(before).manifest, read_bundle(tmp_path / "new").manifest
    assert ({}, ["spam"], 3) == (old.thresholds, list(new.thresholds), new.format)
    assert f"{old.version}+spam-{new.thresholds['spam']:.4g}" == new.version
    score = new.threshold_scores["spam"]
    assert ("recall", 0.9, 64) == (score.wish, score.wished, score.texts)
    assert score.recall.low < score.recall.value <= score.recall.high


def test_the_card_has_the_threshold_and_its_intervals_once(tmp_path, bundle, texts):
    run(bundle("ham", "spam"), texts, "--label", "spam", "--recall", "0.9", "--out", tmp_path / "new")
    run(tmp_path / "new", texts, "--label", "spam", "--recall", "0.5", "--out", tmp_path / "newer")

    page = (tmp_path / "newer" / "README.md").read_text(encoding="utf-8")
    manifest = read_bundle(tmp_path / "newer").manifest
    assert page.startswith(f"# tiny {manifest.version}\n\nFacts.\n\n## Data\n\nMuch.\n\n## Thresholds\n")
    assert 1 == page.count("## Thresholds")
    assert f"| spam | {manifest.thresholds['spam']:.4f} | recall 0.5 | " in page


def test_inspect_shows_it(tmp_path, bundle, texts):
    run(bundle("ham", "spam"), texts, "--label", "spam", "--recall", "0.9", "--out", tmp_path / "new")

    shown = CliRunner().invoke(app, ["inspect", str(tmp_path / "new")]).stdout

    assert "for a recall of 0.9: precision 0." in shown
    assert "on 64 texts" in shown


def test_other_thresholds_of_the_bundle_are_kept(tmp_path, bundle, two_labels):
    before = bundle("ham", "spam", "urgent", multi_label=True, thresholds={"urgent": 0.3})

    run(before, two_labels, "--label", "spam", "--recall", "0.9", "--out", tmp_path / "new")

    thresholds = read_bundle(tmp_path / "new").manifest.thresholds
    assert ["spam", "urgent"] == list(thresholds)
    assert 0.3 == thresholds["urgent"]


def test_a_threshold_reads_long_texts_as_the_worker_will(tmp_path, bundle):
    plain = list(rows())
    padding = " ".join(row["text"] for row in plain if row["label"] == "ham")
    data = write_rows(tmp_path / "long.jsonl", [{**row, "text": f"{row['text']} {padding}"} for row in plain[:40]])

    result = run(bundle("ham", "spam"), data, "--label", "spam", "--recall", "0.5", "--out", tmp_path / "new", "--json")

    spam = [json.loads(line)["text"] for line in data.read_text(encoding="utf-8").splitlines()[:32]]
    assert 0 == result.exit_code, result.output
    assert pytest.approx(json.loads(result.stdout)["recall"]["value"]) == served(tmp_path / "new", spam).mean()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--label", "eggs", "--recall", "0.9"], "got one for 'eggs', and the labels are ham, spam"),
        (["--label", "spam"], "expected one of --precision and --recall, got both or none"),
        (["--label", "spam", "--recall", "0.9", "--precision", "0.9"], "got both or none"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path, bundle, texts, options, words):
    result = run(bundle("ham", "spam"), texts, *options, "--out", tmp_path / "new")

    assert 2 == result.exit_code
    assert words in result.stderr
    assert not (tmp_path / "new").exists()


def test_a_wish_that_nothing_keeps_is_told(tmp_path, bundle):
    data = write_rows(tmp_path / "ham.jsonl", [{"text": "see you", "label": "ham"}])

    result = run(bundle("ham", "spam"), data, "--label", "spam", "--recall", "0.9", "--out", tmp_path / "new")

    assert 2 == result.exit_code
    assert "no threshold gives 'spam' a recall of 0.9 on these 1 texts, 0 of them 'spam'" in result.stderr


def test_the_bundle_itself_is_not_written_over(bundle, texts):
    folder = bundle("ham", "spam")

    result = run(folder, texts, "--label", "spam", "--recall", "0.9", "--out", folder)

    assert 2 == result.exit_code
    assert "expected another folder than the bundle's" in result.stderr


def test_texts_of_the_training_data_are_refused(tmp_path, bundle, texts):
    wish = ["--label", "spam", "--recall", "0.9", "--out", tmp_path / "new"]

    result = run(bundle("ham", "spam"), texts, *wish, "--training", texts)

    assert 2 == result.exit_code
    assert "expected no text of the training data" in result.stderr


def test_a_threshold_reads_disguised_texts_as_the_worker_will(tmp_path, bundle, texts):
    before = bundle("ham", "spam")
    disguised = write_rows(tmp_path / "wide.jsonl", in_wide_letters(rows()))
    wish = ("--label", "spam", "--recall", "0.9", "--json")

    clean = json.loads(run(before, texts, *wish, "--out", tmp_path / "clean").stdout)
    undone = json.loads(run(before, disguised, *wish, "--out", tmp_path / "undone").stdout)
    as_it_came = json.loads(run(before, disguised, *wish, "--no-normalize", "--out", tmp_path / "came").stdout)

    assert clean["threshold"] == undone["threshold"] != as_it_came["threshold"]


def test_a_group_of_the_training_file_is_refused(tmp_path, bundle):
    train = write_rows(tmp_path / "train.jsonl", [{"text": "free win", "label": "spam", "thread": 7}])
    others = write_rows(tmp_path / "others.jsonl", [{"text": "free cash", "label": "spam", "thread": 7}])
    wish = ["--label", "spam", "--recall", "0.9", "--out", tmp_path / "new"]

    result = run(bundle("ham", "spam"), others, *wish, "--training", train, "--group", "thread")

    assert 2 == result.exit_code
    assert "nor of its groups, got 1 (lines 1)" in result.stderr
    assert not (tmp_path / "new").exists()
