"""`python -m trainer evaluate`: a report on texts that had no part in training."""

import json
import re

import numpy as np
import pytest
from typer.testing import CliRunner

from tests.tiny_models import tiny_manifest
from textsieve.trainer.__main__ import app
from textsieve.worker.inference.bundle.writing import write_bundle


@pytest.fixture
def bundle(tmp_path, encoder_folder):
    def write(*labels, multi_label=False, **changes):
        rng = np.random.default_rng(3)
        write_bundle(
            tmp_path / "bundle",
            manifest=tiny_manifest(encoder_folder, labels, multi_label=multi_label, **changes),
            weight=rng.normal(size=(len(labels), 16)).astype(np.float32),
            bias=np.zeros(len(labels), dtype=np.float32),
            encoder_folder=encoder_folder,
        )
        return tmp_path / "bundle"

    return write


def run(*arguments):
    return CliRunner().invoke(app, ["evaluate", *(str(argument) for argument in arguments), "--threads", "1"])


def test_the_last_line_is_json_with_all_scores(bundle, texts):
    result = run(bundle("ham", "spam"), texts, "--json")

    line = json.loads(result.stdout.splitlines()[-1])
    assert 0 == result.exit_code, result.output
    assert (64, 64) == (line["texts"], sum(map(sum, line["confusion"])))
    assert {"accuracy", "macro", "micro", "mcc", "roc_auc", "pr_auc", "calibration_error", "log_loss"} <= set(line)
    assert "text" not in line["mistakes"][0]
    assert line["engine"].split()[0] in {"torch", "onnx"}


def test_the_report_is_written_three_times_and_the_page_loads_nothing(tmp_path, bundle, texts):
    run(bundle("ham", "spam"), texts, "--out", tmp_path / "report")

    page = (tmp_path / "report" / "report.html").read_text(encoding="utf-8")
    assert ["report.html", "report.json", "report.md"] == sorted(path.name for path in (tmp_path / "report").iterdir())
    assert 3 == page.count("<svg")
    assert not re.search(r"""(src=|<link|href="(?!#|data:)|url\((?!#)|@import)""", page)


def test_wishes_become_thresholds(bundle, texts):
    result = run(bundle("ham", "spam"), texts, "--recall", "0.9", "--json")

    thresholds = json.loads(result.stdout)["thresholds"]
    assert ["ham", "spam"] == [one["label"] for one in thresholds]
    assert all(one["recall"]["value"] >= 0.9 and one["recall"]["low"] < one["recall"]["high"] for one in thresholds)


def test_slices_have_scores_of_their_own(tmp_path, bundle):
    path = tmp_path / "rows.csv"
    path.write_text("text,label,channel\nfree win now,spam,web\nsee you,ham,sms\nat home,ham,sms\n", encoding="utf-8")

    result = run(bundle("ham", "spam"), path, "--slice-column", "channel", "--json")

    line = json.loads(result.stdout)
    assert [("sms", 2), ("web", 1)] == [(one["name"], one["texts"]) for one in line["by_slice"]]
    assert [3] == [one["texts"] for one in line["by_length"]]


def test_independent_labels_are_judged_each(bundle, two_labels):
    result = run(bundle("ham", "spam", "urgent", multi_label=True), two_labels, "--json")

    line = json.loads(result.stdout)
    assert 0 == result.exit_code, result.output
    assert line["confusion"] is None
    assert [32, 32, 16] == [one["support"] for one in line["labels"]]


def test_thresholds_of_the_bundle_decide_as_in_a_worker_and_are_told(bundle, texts):
    lenient, strict = (
        run(bundle("ham", "spam", thresholds={"spam": least}), texts, *more)
        for least, more in ((0.0, ["--json"]), (1.0, []))
    )

    line = json.loads(lenient.stdout)
    assert {"spam": 0.0} == line["model"]["thresholds"]
    assert [1.0, 0.0] == [
        next(one for one in line["labels"] if one["label"] == "spam")["scores"]["recall"],
        line["mcc"],
    ]
    assert "The model gives spam from 1 on." in strict.stdout


def test_long_texts_are_read_to_their_end_unless_told_otherwise(tmp_path, bundle):
    path = tmp_path / "rows.jsonl"
    rows = [{"text": "free win now " * 10, "label": "spam"}, {"text": "at home", "label": "ham"}]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")

    whole, cut = (
        json.loads(run(bundle("ham", "spam"), path, *more, "--json").stdout) for more in ([], ["--max-windows", "1"])
    )

    assert ["1-8 tokens", "17-32 tokens"] == [one["name"] for one in whole["by_length"]]
    assert ["1-8 tokens", "9-16 tokens"] == [one["name"] for one in cut["by_length"]]


def test_texts_that_are_read_in_part_are_told(tmp_path, bundle):
    path = tmp_path / "rows.jsonl"
    rows = [{"text": "free win now " * 10, "label": "spam"}, {"text": "at home", "label": "ham"}]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    folder = bundle("ham", "spam")

    whole, cut = run(folder, path).stdout, run(folder, path, "--max-windows", "1").stdout

    assert "behind the last window" not in whole
    assert " 1 go on behind the last window and were judged by what was read" in cut


def test_texts_are_quoted_only_when_asked_and_cannot_break_the_page(tmp_path, bundle):
    path = tmp_path / "rows.jsonl"
    bundle_folder = bundle("ham", "spam")
    rows = [{"text": "<b>win|cash", "label": label} for label in ("ham",)]
    rows += [{"text": "<i>win|cash", "label": label} for label in ("spam",)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")

    silent, quoted = run(bundle_folder, path).stdout, run(bundle_folder, path, "--texts").stdout

    assert "cash" not in silent
    assert "win\\|cash" in quoted
    assert "<b>" not in quoted


def test_disguised_texts_are_answered_as_they_come_and_undone(tmp_path, bundle, texts):
    folder = tmp_path / "report"

    result = run(bundle("ham", "spam"), texts, "--disguised", "--out", folder, "--json")

    kinds = {one["kind"]: one for one in json.loads(result.stdout)["disguised"]}
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert 0 == result.exit_code, result.output
    assert (0, 0) == (kinds["none"]["changed"], kinds["none"]["marked"])
    assert kinds["none"]["before"] == kinds["none"]["after"] == kinds["full-width"]["after"]
    assert {"ham", "spam"} == set(kinds["leetspeak"]["before"])
    assert 64 == kinds["full-width"]["changed"] == kinds["full-width"]["marked"]
    assert 4 == page.count("<svg")
    report = (folder / "report.md").read_text(encoding="utf-8")
    assert "| full-width | 64 | 64 |" in report
    assert "## Disguised spelling" in report


def test_texts_are_not_disguised_unless_asked_for(bundle, texts):
    assert [] == json.loads(run(bundle("ham", "spam"), texts, "--json").stdout)["disguised"]


def test_disguised_texts_are_read_undone_and_as_they_come_where_that_is_wished(tmp_path, bundle):
    path = tmp_path / "rows.jsonl"
    rows = [{"text": "f r e e cash now", "label": "spam"}, {"text": "free cash now", "label": "spam"}]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    folder = bundle("ham", "spam")

    undone, left = (json.loads(run(folder, path, "--json", *option).stdout) for option in ((), ("--no-normalize",)))

    assert undone["log_loss"] != left["log_loss"]
    assert (2, 2) == (undone["texts"], left["texts"])


def test_texts_of_the_training_data_are_refused(bundle, texts):
    result = run(bundle("ham", "spam"), texts, "--training", texts)

    assert 2 == result.exit_code
    assert "expected no text of the training data" in result.stderr


def test_a_label_the_model_does_not_know_is_refused(bundle, texts):
    result = run(bundle("ham", "other"), texts)

    assert 2 == result.exit_code
    assert "expected a label that the model knows (ham, other), got 'spam'" in result.stderr


def test_described_labels_are_judged_and_the_settings_that_suit_them_are_told(tmp_path, encoder_folder, texts):
    path = tmp_path / "labels.toml"
    path.write_text('spam = ["free prize", "win cash"]\nham = []\n', encoding="utf-8")

    told = ("--descriptions", path, "--least-similarity", "0.9", "--out", tmp_path / "report", "--json")
    result = run(encoder_folder, texts, *told)

    line = json.loads(result.stdout)
    assert 0 == result.exit_code, result.output
    assert ["spam", "ham"] == line["model"]["labels"]
    best = max(cut["accuracy"] for cut in line["nearness"]["cuts"])
    assert best >= line["accuracy"]
    assert 0 < line["nearness"]["temperature"]
    assert "## Zero-shot calibration" in (tmp_path / "report" / "report.md").read_text(encoding="utf-8")


def test_a_group_of_the_training_file_is_refused(tmp_path, bundle):
    train, test = tmp_path / "train.csv", tmp_path / "test.csv"
    train.write_text("text,label,thread\nfree win,spam,7\nsee you,ham,8\n", encoding="utf-8")
    test.write_text("text,label,thread\nat home,ham,8\n", encoding="utf-8")

    result = run(bundle("ham", "spam"), test, "--training", train, "--group", "thread")

    assert 2 == result.exit_code
    assert "nor of its groups, got 1 (lines 2)" in result.stderr


def test_rows_of_one_value_may_be_judged_alone(tmp_path, bundle):
    path = tmp_path / "rows.csv"
    path.write_text("text,label,lang\nfree win now,spam,en\nsee you,ham,de\n", encoding="utf-8")

    result = run(bundle("ham", "spam"), path, "--only", "lang=de", "--json")

    assert 0 == result.exit_code, (result.output, result.exception)
    assert 1 == json.loads(result.stdout)["texts"]


def test_the_report_says_which_engine_answered(bundle, texts):
    page = run(bundle("ham", "spam"), texts).stdout
    engine = json.loads(run(bundle("ham", "spam"), texts, "--json").stdout)["engine"]

    assert re.fullmatch(r"(torch|onnx) (fp32|bf16|int8)", engine)
    assert f"| {engine} |" in page
