"""`python -m trainer compare`: all methods on the same folds."""

import json

import pytest
from typer.testing import CliRunner

import textsieve.trainer.experiments.comparison
import textsieve.trainer.training.embedding
from textsieve.trainer.__main__ import app
from textsieve.trainer.data.examples import Row, dedupe
from textsieve.trainer.experiments.experiment_data import METHODS, Fold, named_method, sample_shots


@pytest.fixture
def compare(tmp_path, encoder_folder):
    def run(data, *options):
        arguments = ["compare", data, "--encoder", encoder_folder, "--work", tmp_path / "work", "--threads", "1"]
        arguments += ["--epochs", "1", "--learning-rate", "0.01", "--quick", "--folds", "4", *options]
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    return run


@pytest.fixture
def descriptions(tmp_path):
    path = tmp_path / "labels.toml"
    path.write_text('spam = ["free prize", "win cash"]\nham = ["see you at home"]\n', encoding="utf-8")
    return path


def test_every_method_answers_and_the_last_line_has_their_f1(compare, texts, descriptions):
    result = compare(texts, "--methods", ",".join(METHODS), "--descriptions", descriptions, "--json")

    line = json.loads(result.stdout.splitlines()[-1])
    assert 0 == result.exit_code, result.output
    assert set(METHODS) == set(line["f1"])
    assert line["f1"]["words-svm"] == 1
    assert all(one["f1"]["low"] <= one["f1"]["value"] <= one["f1"]["high"] for one in line["standings"])
    assert (16, 64) == (line["judged"], line["distinct"])


def test_what_is_done_is_not_done_again(compare, texts, monkeypatch):
    first = compare(texts, "--methods", "naive-bayes,words-svm")
    monkeypatch.setattr(textsieve.trainer.experiments.comparison, "run", lambda *_: pytest.fail("ran again"))

    assert first.stdout == compare(texts, "--methods", "naive-bayes,words-svm").stdout


def test_folds_that_other_processes_ran_are_not_run_again(compare, texts, monkeypatch):
    chosen = ("--methods", "frozen,fine-tuned", "--json")
    for fold in range(4):
        compare(texts, *chosen, "--fold", fold)
    monkeypatch.setattr(textsieve.trainer.experiments.comparison, "run", lambda *_: pytest.fail("ran again"))

    line = json.loads(compare(texts, *chosen, *(word for fold in range(4) for word in ("--fold", fold))).stdout)

    assert ([0, 1, 2, 3], 64) == (line["folds_run"], line["judged"])


def test_the_files_own_split_takes_the_place_of_folds(tmp_path, encoder_folder, texts):
    lines = [json.loads(line) for line in texts.read_text(encoding="utf-8").splitlines()]
    path = tmp_path / "split.jsonl"
    parts = ("train", "train", "val", "test")
    path.write_text(
        "".join(json.dumps(line | {"part": parts[number % 4]}) + "\n" for number, line in enumerate(lines)),
        encoding="utf-8",
    )
    options = ("--encoder", encoder_folder, "--work", tmp_path / "work", "--methods", "words-svm", "--json")

    result = CliRunner().invoke(app, ["compare", *map(str, (path, "--split-column", "part", *options))])

    line = json.loads(result.stdout)
    assert (None, 16) == (line["folds"], line["judged"])


def test_the_original_encoder_reads_every_text_once(compare, texts, monkeypatch):
    read = []
    predict_all = textsieve.trainer.training.embedding.predict_all
    monkeypatch.setattr(
        textsieve.trainer.training.embedding,
        "predict_all",
        lambda predictor, some, **rest: read.append(len(some)) or predict_all(predictor, some, **rest),
    )

    result = compare(texts, "--methods", "frozen,fine-tuned,fine-tuned-free", "--fold", "0", "--fold", "1")

    assert (0, [64]) == (result.exit_code, read)


def test_rare_labels_count_as_much_when_asked_to(tmp_path, compare, texts):
    lines = texts.read_text(encoding="utf-8").splitlines()
    fewer = tmp_path / "fewer.jsonl"
    fewer.write_text("\n".join(lines[:40]) + "\n", encoding="utf-8")
    chosen = ("--methods", "words-svm,characters-svm,frozen,fine-tuned")

    result = compare(fewer, *chosen, "--class-weights", "balanced", "--json")

    assert 0 == result.exit_code, result.output
    assert 4 == len(json.loads(result.stdout)["f1"])


def test_other_options_are_other_answers(compare, texts, monkeypatch):
    compare(texts, "--methods", "naive-bayes")
    runs = []
    run = textsieve.trainer.experiments.comparison.run
    monkeypatch.setattr(
        textsieve.trainer.experiments.comparison, "run", lambda *arguments: runs.append(1) or run(*arguments)
    )

    compare(texts, "--methods", "naive-bayes", "--seed", "1")

    assert [1] == runs


def test_independent_labels_are_compared_too(compare, two_labels):
    result = compare(two_labels, "--methods", "words-svm,naive-bayes,frozen,fine-tuned", "--json")

    line = json.loads(result.stdout.splitlines()[-1])
    assert 0 == result.exit_code, result.output
    assert "mean of 3 labels" == line["f1_of"]


def test_the_rarer_of_two_labels_counts_unless_told_otherwise(tmp_path, compare, texts):
    rows = texts.read_text(encoding="utf-8").splitlines()
    fewer = tmp_path / "fewer.jsonl"
    fewer.write_text("\n".join(rows[:40]) + "\n", encoding="utf-8")

    counted = [
        json.loads(compare(fewer, "--methods", "naive-bayes", "--json", *options).stdout)["f1_of"]
        for options in ((), ("--positive", "spam"))
    ]

    assert ["ham", "spam"] == counted


OWN = """
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline

def make():
    return make_pipeline(CountVectorizer(), KNeighborsClassifier(1))
"""


def test_a_classifier_of_the_users_own_is_compared_until_its_code_changes(tmp_path, compare, texts, monkeypatch):
    module = tmp_path / "own_methods_for_this_test.py"
    module.write_text(OWN, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    own = ("--methods", f"{module.stem}:make,{module.stem}:make-4,words-svm", "--draws", "1", "--json")
    first = compare(texts, *own)
    runs = []
    run = textsieve.trainer.experiments.comparison.run
    monkeypatch.setattr(
        textsieve.trainer.experiments.comparison, "run", lambda kind, *some: runs.append(kind) or run(kind, *some)
    )

    module.write_text(OWN + "# changed\n", encoding="utf-8")
    compare(texts, *own)

    assert 0 == first.exit_code, first.output
    assert {f"{module.stem}:make", f"{module.stem}:make-4", "words-svm"} == set(json.loads(first.stdout)["f1"])
    assert [f"{module.stem}:make"] * 2 == runs


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--methods", "no_such_module:make"), "--methods: expected MODULE:FACTORY"),
        (("--methods", "json:dumps"), "--methods: expected MODULE:FACTORY"),
        (("--methods", "string:Formatter"), "to give a classifier with fit and predict, got Formatter"),
        (("--methods", "magic"), "--methods: expected some of"),
        (("--methods", "frozen-many"), "--methods: expected some of"),
        (("--positive", "eggs"), "--positive: expected a label of the data"),
        (("--fold", "4"), "--fold: expected 0 to 3"),
        (("--split-column", "label"), "--split-column: the file's own split has no folds"),
    ],
)
def test_what_cannot_be_compared_is_refused_at_once(compare, texts, options, message):
    result = compare(texts, *options)

    assert 2 == result.exit_code
    assert message in result.stderr


def test_a_number_after_a_method_is_how_many_texts_of_each_label_it_trains_on(compare, texts, monkeypatch):
    seen = []
    run = textsieve.trainer.experiments.comparison.run
    monkeypatch.setattr(
        textsieve.trainer.experiments.comparison,
        "run",
        lambda kind, fold, shared: seen.append(fold.train) or run(kind, fold, shared),
    )

    result = compare(texts, "--methods", "frozen,frozen-4,prototypes-2", "--draws", "3", "--json")

    line = json.loads(result.stdout.splitlines()[-1])
    assert [48, *[8] * 3, *[4] * 3] == [len(examples.kept) for examples in seen]
    assert {"frozen": 1, "frozen-4": 3, "prototypes-2": 3} == {
        one["method"]: len(one["draw_f1"]) for one in line["standings"]
    }


def test_draws_differ_and_more_shots_contain_the_fewer(tmp_path):
    rows = dedupe(Row(line, f"text {line}", ("ab"[line % 2],)) for line in range(1, 41))
    fold = Fold(train=rows, test=rows, embeddings=None, names=("a", "b"), work=tmp_path)

    first, second, larger = (
        {row.line for row in sample_shots(fold, named_method(name), draw=draw, seed=(0, draw)).train.kept}
        for name, draw in (("frozen-3", 0), ("frozen-3", 1), ("frozen-6", 0))
    )

    assert first != second
    assert first < larger


def test_the_spread_over_draws_is_in_the_table(compare, texts):
    assert " ± " in compare(texts, "--methods", "frozen-2", "--draws", "2").stdout


def test_descriptions_are_learned_from_where_the_method_says_so(compare, texts, descriptions):
    result = compare(texts, "--methods", "frozen-described-2", "--draws", "1", "--descriptions", descriptions, "--json")

    assert 0 == result.exit_code, result.output
    assert {"frozen-described-2", "zero-shot"} == set(json.loads(result.stdout.splitlines()[-1])["f1"])


def test_without_descriptions_labels_are_their_own_words(compare, tmp_path):
    rows = [
        {"text": f"{word} {other}", "label": label}
        for label, word in (("free_prize", "free"), ("see_home", "home"))
        for other in ("call", "now", "you", "at", "ok", "bus", "late", "win")
    ]
    data = tmp_path / "named.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")

    result = compare(data, "--methods", "zero-shot", "--json")

    assert 0 == result.exit_code, result.output
    assert json.loads(result.stdout.splitlines()[-1])["standings"][0]["accuracy"] > 0.5


def test_a_label_that_is_not_described_is_named(compare, texts, tmp_path):
    path = tmp_path / "labels.toml"
    path.write_text('spam = ["free prize"]\n', encoding="utf-8")

    result = compare(texts, "--methods", "zero-shot", "--descriptions", path)

    assert 2 == result.exit_code
    assert "expected a line for each label, got none for 'ham'" in result.stderr


def test_groups_stay_in_one_fold(compare, tmp_path):
    data = tmp_path / "groups.csv"
    rows = [f"text {n} {m},{'spam' if n % 2 else 'ham'},{n}" for n in range(12) for m in range(2)]
    data.write_text("\n".join(["text,label,thread", *rows]) + "\n", encoding="utf-8")

    result = compare(data, "--methods", "naive-bayes", "--group", "thread", "--json")

    line = json.loads(result.stdout.splitlines()[-1])
    assert (24, 6) == (line["distinct"], line["judged"])
