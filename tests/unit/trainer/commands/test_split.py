"""`python -m trainer split`: two files that share no text."""

import json

import pytest
from typer.testing import CliRunner

from textsieve.trainer.__main__ import app
from textsieve.trainer.data.reading import Columns, read_examples
from textsieve.trainer.data.splits import require_disjoint


@pytest.fixture
def split(tmp_path):
    def run(data, *options):
        arguments = ["split", data, "--out", tmp_path / "parts", *options]
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    return run


def test_the_parts_share_no_text_and_no_label_is_lost(tmp_path, texts, split):
    line = json.loads(split(texts, "--test-share", 0.25).stdout)

    train, test = (read_examples(tmp_path / "parts" / name) for name in ("train.jsonl", "test.jsonl"))
    require_disjoint(train, test, name="test.jsonl")
    assert (48, 16) == (line["train"], line["test"]) == (len(train.kept), len(test.kept))
    assert 8 == test.labels.tolist().count("spam")


def test_fewer_training_texts_leave_the_test_as_it_is(tmp_path, texts, split):
    split(texts)
    whole = (tmp_path / "parts" / "test.jsonl").read_text(encoding="utf-8")
    for path in (tmp_path / "parts").iterdir():
        path.unlink()

    line = json.loads(split(texts, "--train-texts", 10).stdout)

    assert 10 == line["train"]
    assert whole == (tmp_path / "parts" / "test.jsonl").read_text(encoding="utf-8")


def test_several_labels_are_written_as_they_were(tmp_path, two_labels, split):
    split(two_labels)

    parts = [read_examples(tmp_path / "parts" / name) for name in ("train.jsonl", "test.jsonl")]
    before = {row.text: row.labels for row in read_examples(two_labels).kept}
    assert before == {row.text: row.labels for part in parts for row in part.kept}


def test_files_that_are_there_are_left_alone(texts, split):
    split(texts)

    result = split(texts)

    assert 2 == result.exit_code
    assert "expected a folder without train.jsonl" in result.stderr


def test_groups_too_big_to_hold_one_out_are_refused(tmp_path, split):
    data = tmp_path / "two.csv"
    rows = [f"text {n},{'spam' if n % 4 < 2 else 'ham'},{n % 2}" for n in range(40)]
    data.write_text("\n".join(["text,label,channel", *rows]) + "\n", encoding="utf-8")

    result = split(data, "--group", "channel")

    assert 2 == result.exit_code
    assert "expected texts for both files, got 40 for training and 0 for the test" in result.stderr
    assert not (tmp_path / "parts").exists()


def test_a_group_stays_in_one_file_and_its_column_is_kept(tmp_path, split):
    data = tmp_path / "pairs.csv"
    rows = [f"text {n} {lang},{'spam' if n % 2 else 'ham'},{n},{lang}" for n in range(20) for lang in ("en", "de")]
    data.write_text("\n".join(["text,label,id,lang", *rows]) + "\n", encoding="utf-8")

    split(data, "--group", "id", "--slice-column", "lang")

    columns = Columns(group="id", slice="lang")
    train, test = (read_examples(tmp_path / "parts" / name, columns) for name in ("train.jsonl", "test.jsonl"))
    assert (32, 8) == (len(train.kept), len(test.kept))
    assert not {row.group for row in train.kept} & {row.group for row in test.kept}
    assert {"en", "de"} == {row.slice for row in test.kept}
