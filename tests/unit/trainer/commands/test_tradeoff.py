"""`python -m trainer tradeoff`: what holding the embedding costs and is worth, in pieces if need be."""

import json

import pytest
from typer.testing import CliRunner

import textsieve.trainer.experiments.tradeoff
from tests.unit.trainer.conftest import in_wide_letters, rows, write_rows
from textsieve.trainer.__main__ import app


@pytest.fixture
def tradeoff(tmp_path, encoder_folder, texts):
    def run(*options, work="work", data=texts, clusters=texts):
        arguments = ["tradeoff", data, "--encoder", encoder_folder, "--work", tmp_path / work, "--threads", "1"]
        arguments += ["--clusters", clusters, "--sample", "32", "--cluster-seeds", "2", "--epochs", "1"]
        arguments += ["--batch-size", "4"]
        arguments += ["--learning-rate", "0.01", "--keep", "0,20", "--seeds", "0,1", "--folds", "2", *options]
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    return run


def test_every_weight_answers_the_same_texts_with_every_seed(tradeoff):
    result = tradeoff("--json")

    assert 0 == result.exit_code, result.output
    line = json.loads(result.stdout)
    free, held = line["weights"]
    assert (64, [0, 1]) == (line["judged"], line["folds_run"])
    assert (0, 20, None) == (free["weight"], held["weight"], free["minus_free"])
    assert {"0": 2, "1": 2} == {seed: len(folds) for seed, folds in held["f1_by_seed"].items()}
    assert held["minus_free"]["interval"]["low"] <= held["minus_free"]["interval"]["high"]
    assert free["cosine"] < held["cosine"] <= 1
    assert 2 == len(line["original_nmi"]["texts"])


def test_pieces_come_to_what_one_run_comes_to(tradeoff, monkeypatch):
    for fold in ("1", "0"):
        assert 0 == tradeoff("--fold", fold, work="pieces").exit_code
    with monkeypatch.context() as patch:
        patch.setattr(textsieve.trainer.experiments.tradeoff, "attempt", lambda *_, **__: pytest.fail("done again"))
        pieces = tradeoff("--json", work="pieces")

    assert pieces.stdout == tradeoff("--json", work="whole").stdout


def test_other_options_are_other_answers(tradeoff, monkeypatch):
    tradeoff("--fold", "0")
    attempt, made = textsieve.trainer.experiments.tradeoff.attempt, []
    monkeypatch.setattr(
        textsieve.trainer.experiments.tradeoff,
        "attempt",
        lambda *parts, **rest: made.append(1) or attempt(*parts, **rest),
    )

    tradeoff("--fold", "0", "--epochs", "2")

    assert 4 == len(made)


def test_disguised_texts_are_read_as_the_worker_will(tmp_path, tradeoff):
    (tmp_path / "wide").mkdir()
    disguised = write_rows(tmp_path / "wide" / "texts.jsonl", in_wide_letters(rows()))
    fold = ("--fold", "0", "--json")

    clean = tradeoff(*fold)
    undone = tradeoff(*fold, data=disguised, clusters=disguised, work="undone")
    as_it_came = tradeoff(*fold, "--no-normalize", data=disguised, clusters=disguised, work="undone")

    assert 0 == as_it_came.exit_code, as_it_came.output
    assert clean.stdout == undone.stdout != as_it_came.stdout


def test_groups_stay_in_one_fold(tmp_path, tradeoff):
    threads = [
        {**row, "thread": max(number, 19) // 4} for number, row in enumerate(rows())
    ]  # one of 20 texts, more of 4

    result = tradeoff(
        "--group", "thread", "--fold", "0", "--json", data=write_rows(tmp_path / "threads.jsonl", threads)
    )

    assert 0 == result.exit_code, result.output
    assert 32 != json.loads(result.stdout)["judged"]  # half of all texts would cut the large one


def test_other_groups_are_other_answers(tmp_path, tradeoff, monkeypatch):
    threads = [{**row, "one": number // 4, "two": number // 2} for number, row in enumerate(rows())]
    data = write_rows(tmp_path / "threads.jsonl", threads)
    tradeoff("--fold", "0", "--group", "one", data=data)
    attempt, made = textsieve.trainer.experiments.tradeoff.attempt, []
    monkeypatch.setattr(
        textsieve.trainer.experiments.tradeoff,
        "attempt",
        lambda *parts, **rest: made.append(1) or attempt(*parts, **rest),
    )

    tradeoff("--fold", "0", "--group", "two", data=data)

    assert 4 == len(made)


def test_what_is_finished_is_judged_without_training(tradeoff, monkeypatch):
    tradeoff("--fold", "1")
    monkeypatch.setattr(textsieve.trainer.experiments.tradeoff, "attempt", lambda *_, **__: pytest.fail("trained"))

    line = json.loads(tradeoff("--finished", "--json").stdout)

    assert ([1], 32) == (line["folds_run"], line["judged"])


def test_nothing_finished_is_nothing_to_judge(tradeoff):
    result = tradeoff("--finished")

    assert 2 == result.exit_code
    assert "--finished: expected a fold with all its answers" in result.stderr


def test_the_report_is_a_table_numbers_and_a_picture(tmp_path, tradeoff):
    result = tradeoff("--fold", "0", "--out", tmp_path / "report")

    table, numbers, picture = (
        (tmp_path / "report" / f"tradeoff.{suffix}").read_text(encoding="utf-8") for suffix in ("md", "json", "svg")
    )
    assert table == result.stdout
    assert "| before training |" in table
    assert [0, 20] == [one["weight"] for one in json.loads(numbers)["weights"]]
    assert picture.startswith("<svg")
    assert "NMI of texts" in picture


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--keep", "0.3,1"), "--keep: expected 0"),
        (("--keep", "0"), "--keep: expected 0"),
        (("--keep", "0,nan"), "--keep: expected finite numbers"),
        (("--seeds", "one"), "--seeds: expected numbers"),
        (("--seeds", "-1"), "--seeds: expected finite numbers of 0 and more"),
        (("--fold", "2"), "--fold: expected 0 to 1"),
        (("--positive", "eggs"), "--positive: expected a label of the data"),
    ],
)
def test_bad_options_are_refused_at_once(tradeoff, options, message):
    result = tradeoff(*options)

    assert 2 == result.exit_code
    assert message in result.stderr
