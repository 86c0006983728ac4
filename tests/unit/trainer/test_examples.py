"""Every text is read once, and what is left out is counted."""

import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.examples import dedupe, read_examples
from worker.errors import ConfigurationError

ROWS = [("Win cash", "spam"), ("win  CASH ", "spam"), ("see you", "ham")]


def write_jsonl(path, rows):
    content = "".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in rows)
    path.write_bytes(gzip.compress(content.encode()) if path.suffix == ".gz" else content.encode())
    return path


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.ndjson", "rows.jsonl.gz"])
def test_json_lines_are_read_gzipped_or_not(tmp_path, name):
    examples = read_examples(write_jsonl(tmp_path / name, ROWS))

    assert (("Win cash", "see you"), ("spam", "ham")) == (examples.texts, examples.labels)


def test_csv_is_read_with_line_breaks_inside_quotes(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text('body,kind\n"two\nlines",ham\nwin,spam\n', encoding="utf-8")

    examples = read_examples(path, text_column="body", label_column="kind")

    assert (("two\nlines", "win"), ("ham", "spam")) == (examples.texts, examples.labels)


def test_numbers_are_labels_by_their_text(tmp_path):
    assert ("0", "1") == read_examples(write_jsonl(tmp_path / "r.jsonl", [("a", 0), ("b", 1)])).labels


def test_texts_that_differ_in_case_and_white_space_are_one():
    examples = dedupe(ROWS)

    assert (2, 1) == (len(examples.texts), examples.duplicates)


def test_a_text_with_two_labels_is_left_out_whole():
    examples = dedupe([("a", "ham"), ("b", "ham"), ("A", "spam"), ("a ", "ham")])

    assert (("b",), 3, 0) == (examples.texts, examples.conflicts, examples.duplicates)


def test_rows_without_text_are_counted():
    assert 2 == dedupe([(" ", "ham"), ("", "ham"), ("b", "ham")]).empty


@given(st.lists(st.tuples(st.sampled_from(["a", "A", " a", "b", "", "c"]), st.sampled_from(["ham", "spam"]))))
def test_every_row_is_accounted_for(rows):
    examples = dedupe(rows)

    counted = len(examples.texts) + examples.duplicates + examples.conflicts + examples.empty
    assert len(rows) == examples.rows == counted


@given(st.lists(st.tuples(st.text(), st.sampled_from(["ham", "spam"]))))
def test_no_two_texts_that_are_kept_are_the_same(rows):
    keys = [" ".join(text.casefold().split()) for text in dedupe(rows).texts]

    assert len(keys) == len(set(keys))


@pytest.mark.parametrize("name", ["rows.txt", "rows", "rows.parquet", "rows.gz"])
def test_other_formats_are_refused(tmp_path, name):
    with pytest.raises(ConfigurationError, match=r"expected \.csv, \.jsonl or \.ndjson"):
        read_examples(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("r.jsonl.gz", b"not gzip"),
        ("r.jsonl.gz", gzip.compress(b"{}" * 99)[:-9]),
        ("r.jsonl", b"\xff\xfe"),
        ("r.csv", b"\xff"),
    ],
)
def test_files_that_cannot_be_decoded_are_refused(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)

    with pytest.raises(ConfigurationError, match="expected a readable UTF-8 file"):
        read_examples(tmp_path / name)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="FileNotFoundError"):
        read_examples(tmp_path / "rows.csv")


@pytest.mark.parametrize("line", ["{", "[1]", '"secret"'])
def test_a_line_that_is_no_object_is_named_by_its_number(tmp_path, line):
    path = tmp_path / "rows.jsonl"
    path.write_text(f'{{"text": "a", "label": "b"}}\n{line}\n', encoding="utf-8")

    with pytest.raises(ConfigurationError, match=r"line 2: expected a JSON object") as caught:
        read_examples(path)

    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("row", "option"),
    [
        ({"label": "x"}, "--text-column"),
        ({"text": "a"}, "--label-column"),
        ({"text": "a", "label": None}, "--label-column"),
    ],
)
def test_a_missing_column_names_the_option(tmp_path, row, option):
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(row), encoding="utf-8")

    with pytest.raises(ConfigurationError, match=option):
        read_examples(path)
