"""Every text is read once, and what is left out is counted."""

import gzip
import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from textsieve.files.layout import Layout
from textsieve.trainer.data.examples import Row
from textsieve.trainer.data.examples import dedupe as dedupe_rows
from textsieve.trainer.data.reading import Columns, read_examples, read_texts
from textsieve.worker.errors import ConfigurationError

ROWS = [("Win cash", "spam"), ("win  CASH ", "spam"), ("see you", "ham")]


def dedupe(rows):
    return dedupe_rows(Row(line, text, (label,)) for line, (text, label) in enumerate(rows, start=1))


def write_jsonl(path, rows):
    content = "".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in rows)
    path.write_bytes(gzip.compress(content.encode()) if path.suffix == ".gz" else content.encode())
    return path


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.ndjson", "rows.jsonl.gz"])
def test_json_lines_are_read_gzipped_or_not(tmp_path, name):
    examples = read_examples(write_jsonl(tmp_path / name, ROWS))

    assert (("Win cash", "see you"), ["spam", "ham"]) == (examples.texts, examples.labels.tolist())


def test_csv_is_read_with_line_breaks_inside_quotes(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text('body,kind\n"two\nlines",ham\nwin,spam\n', encoding="utf-8")

    examples = read_examples(path, Columns(text="body", label="kind"))

    assert (("two\nlines", "win"), ["ham", "spam"]) == (examples.texts, examples.labels.tolist())
    assert [2, 4] == [row.line for row in examples.kept]


def test_numbers_are_labels_by_their_text(tmp_path):
    examples = read_examples(write_jsonl(tmp_path / "r.jsonl", [("a", 0), ("b", 1)]))

    assert ["0", "1"] == examples.labels.tolist()


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


@pytest.mark.parametrize("name", ["rows", "rows.parquet", "rows.gz"])
def test_other_formats_are_refused(tmp_path, name):
    (tmp_path / name).write_text("text")

    with pytest.raises(ConfigurationError, match=r"no suffix tells the format .*set --format"):
        read_examples(tmp_path / name)


def test_plain_lines_have_no_labels(tmp_path):
    (tmp_path / "rows.txt").write_text("hello\n")

    with pytest.raises(ConfigurationError, match=r"rows.txt:1: expected a label in 'label', got none"):
        read_examples(tmp_path / "rows.txt")

    assert ("hello",) == read_texts(tmp_path / "rows.txt")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("r.jsonl.gz", b"not gzip", "not JSON"),
        ("r.jsonl.gz", gzip.compress(b"{}" * 99, mtime=0)[:-9], "breaks off"),
        ("r.jsonl.gz", gzip.compress(b"{}", mtime=0)[:10] + b"\xff" * 20, "breaks off"),
        ("r.csv", b"text,label\n\xff,ham\n", "r.csv:2: not utf-8: set --encoding"),
    ],
)
def test_files_that_cannot_be_decoded_are_refused(tmp_path, name, content, said):
    (tmp_path / name).write_bytes(content)

    with pytest.raises(ConfigurationError, match=said):
        read_examples(tmp_path / name)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="expected a file, found nothing"):
        read_examples(tmp_path / "rows.csv")


@pytest.mark.parametrize(
    ("name", "content"), [("r.csv", "text,label\na,b\n"), ("r.jsonl", '{"text": "a", "label": "b"}\n')]
)
def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path, name, content):
    (tmp_path / name).write_text(content, encoding="utf-8-sig")

    assert ("a",) == read_examples(tmp_path / name).texts


def test_a_text_with_a_bare_comma_is_refused_rather_than_cut(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("text,label\nwell,ham\nhello, you,ham\n", encoding="utf-8")

    with pytest.raises(ConfigurationError, match=r"rows.csv:3: expected 2 columns as in the first row, got 3"):
        read_examples(path)


@pytest.mark.parametrize("text", ['"never closed', '"closed" too early', '"secret" x'])
def test_a_stray_quote_is_refused_rather_than_taking_other_rows(tmp_path, text):
    path = tmp_path / "rows.csv"
    path.write_text(f"text,label\n{text},ham\nb,ham\n", encoding="utf-8")

    with pytest.raises(ConfigurationError, match=r"rows.csv:2: .*quote") as caught:
        read_examples(path)

    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("row", [{"text": "a\ud800", "label": "b"}, {"text": "a", "label": "\udfff"}])
def test_half_a_surrogate_pair_is_named_by_its_line(tmp_path, row):
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps({"text": "\U0001f600", "label": "b"}) + "\n" + json.dumps(row), encoding="utf-8")

    with pytest.raises(ConfigurationError, match=r"rows.jsonl:2: half of a surrogate pair"):
        read_examples(path)


@pytest.mark.parametrize("line", ["{", "[1]", '"secret"', "[" * 100_000])
def test_a_line_that_is_no_object_is_named_by_its_number(tmp_path, line):
    path = tmp_path / "rows.jsonl"
    path.write_text(f'{{"text": "a", "label": "b"}}\n{line}\n', encoding="utf-8")

    with pytest.raises(ConfigurationError, match=r"rows.jsonl:2: (expected a JSON object|not JSON)") as caught:
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


def test_a_list_of_labels_makes_the_file_multi_label(tmp_path):
    rows = [("a", ["x", "y"]), ("b", []), ("c", "x")]

    examples = read_examples(write_jsonl(tmp_path / "r.jsonl", rows))

    assert examples.multi_label
    assert [[True, True], [False, False], [True, False]] == examples.targets(("x", "y")).tolist()


def test_a_separator_makes_csv_multi_label(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("text,label\na,x; y\nb,\n", encoding="utf-8")

    examples = read_examples(path, Columns(separator=";"))

    assert [("x", "y"), ()] == [row.labels for row in examples.kept]


def test_a_label_that_a_model_does_not_know_names_the_line():
    with pytest.raises(ConfigurationError, match=r"line 2: expected a label that the model knows \(ham\), got 'spam'"):
        dedupe([("a", "ham"), ("b", "spam")]).targets(("ham",))


def test_a_slice_column_comes_along(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("text,label,channel\na,x,web\n", encoding="utf-8")

    assert "web" == read_examples(path, Columns(slice="channel")).kept[0].slice


def test_a_slice_column_that_is_not_there_names_those_that_are(tmp_path):
    with pytest.raises(ConfigurationError, match=r"expected the column 'channel', got text, label$"):
        read_examples(write_jsonl(tmp_path / "r.jsonl", ROWS), Columns(slice="channel"))


def test_a_text_column_that_is_not_there_names_those_that_are(tmp_path):
    with pytest.raises(ConfigurationError, match="expected a text in 'body', got text, label; set --text-column"):
        read_examples(write_jsonl(tmp_path / "r.jsonl", ROWS), Columns(text="body"))


def test_an_empty_label_of_a_csv_file_says_how_to_have_several(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("text,label\na,\n", encoding="utf-8")

    with pytest.raises(ConfigurationError, match=r"expected a label in 'label', got none.*--label-separator"):
        read_examples(path)


def test_only_the_rows_of_one_value_are_read(tmp_path):
    path = tmp_path / "rows.jsonl"
    rows = [{"text": "one", "label": "a", "lang": "en"}, {"text": "eins", "label": "a", "lang": "de"}]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")

    assert ("eins",) == read_examples(path, Columns(only=("lang", "de"))).texts


def test_a_value_that_no_row_has_is_refused(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text('{"text": "one", "label": "a"}\n', encoding="utf-8")

    with pytest.raises(ConfigurationError, match="expected rows with 'de' in 'lang', got none; correct --only"):
        read_examples(path, Columns(only=("lang", "de")))


def test_zero_is_a_group(tmp_path):
    path = tmp_path / "data.jsonl"
    path.write_text('{"text": "free prize", "label": "spam", "thread": 0}\n', encoding="utf-8")

    assert ["0"] == read_examples(path, Columns(group="thread")).groups.tolist()


def test_a_row_without_a_group_is_refused(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("text,label,thread\none,a,7\ntwo,b,\n", encoding="utf-8")

    with pytest.raises(ConfigurationError, match=r"rows.\w+:3: expected a group in 'thread', got none; set --group"):
        read_examples(path, Columns(group="thread"))


@pytest.mark.parametrize(("normalized", "expected"), [(True, ("free prize",)), (False, ("fr33 pr1ze",))])
def test_texts_without_labels_are_read_as_a_worker_reads_them(tmp_path, normalized, expected):
    path = tmp_path / "texts.jsonl"
    path.write_text('{"text": "fr33 pr1ze"}\n', encoding="utf-8")

    assert expected == read_texts(path, normalized=normalized)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a data frame's.csv", b",text,label\n0,hello,ham\n1,win,spam\n"),
        ("semicolons.csv", b"text;label\nhello;ham\nwin;spam\n"),
        ("Excel's.csv", b"sep=;\r\ntext;label\r\nhello;ham\r\nwin;spam\r\n"),
        ("tabs.tsv", b"label\ttext\nham\thello\nspam\twin\n"),
        ("utf-16.csv", "text,label\nhello,ham\nwin,spam\n".encode("utf-16")),
        ("packed.csv", gzip.compress(b"text,label\nhello,ham\nwin,spam\n", mtime=0)),
        ("array.json", b'[{"text": "hello", "label": "ham"}, {"text": "win", "label": "spam"}]'),
        ("blanks.csv", b"text , label\nhello, ham \nwin,spam\t\n"),
    ],
)
def test_files_are_read_as_people_have_them(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)

    examples = read_examples(tmp_path / name)

    assert (("hello", "win"), ["ham", "spam"]) == (examples.texts, examples.labels.tolist())


def test_the_layout_of_a_file_can_be_said(tmp_path):
    (tmp_path / "rows.csv").write_bytes("ham^“hi”\nspam^win\n".encode("cp1252"))
    layout = Layout(encoding="cp1252", delimiter="^", header=False)

    examples = read_examples(tmp_path / "rows.csv", Columns(text="2", label="1", layout=layout))

    assert (("“hi”", "win"), ["ham", "spam"]) == (examples.texts, examples.labels.tolist())
    assert ("“hi”", "win") == read_texts(tmp_path / "rows.csv", "2", layout=layout)


def test_columns_go_by_number_too(tmp_path):
    (tmp_path / "spam.csv").write_text("v1,v2,lang,,\nham,hello,en,,\n")

    [row] = read_examples(tmp_path / "spam.csv", Columns(text="2", label="1", slice="3", only=("3", "en"))).kept

    assert Row(2, "hello", ("ham",), slice="en") == row


def test_two_columns_of_one_name_are_refused(tmp_path):
    (tmp_path / "rows.csv").write_text("text,label,label\na,ham,spam\n")

    with pytest.raises(ConfigurationError, match="names label more than once"):
        read_examples(tmp_path / "rows.csv")


def test_numbers_and_booleans_are_labels_as_they_are_written(tmp_path):
    (tmp_path / "rows.jsonl").write_text(
        '{"text": "a", "label": true}\n{"text": "b", "label": false}\n{"text": "c", "label": 1.0}\n'
    )

    assert ["true", "false", "1.0"] == read_examples(tmp_path / "rows.jsonl").labels.tolist()


@pytest.mark.parametrize(
    ("label", "said"),
    [({"a": 1}, "got an object"), (" ", "got none"), ("a\nb", "got several lines"), ([[]], "array")],
)
def test_what_is_no_label_is_refused(tmp_path, label, said):
    path = write_jsonl(tmp_path / "rows.jsonl", [("hello", label)])

    with pytest.raises(ConfigurationError, match=rf"rows.jsonl:1: .*{said}"):
        read_examples(path)


def test_a_text_that_is_null_is_a_row_without_text(tmp_path):
    assert 1 == read_examples(write_jsonl(tmp_path / "rows.jsonl", [(None, "ham"), ("a", "ham")])).empty


@pytest.mark.parametrize("text", [7, True, ["a"], {}])
def test_a_text_that_is_no_string_is_refused(tmp_path, text):
    with pytest.raises(ConfigurationError, match="expected a text in 'text', got a"):
        read_examples(write_jsonl(tmp_path / "rows.jsonl", [(text, "ham")]))


def test_a_pipe_is_refused_for_the_file_is_read_more_than_once(tmp_path):
    os.mkfifo(tmp_path / "rows.csv")

    for path in (tmp_path / "rows.csv", Path("-")):
        with pytest.raises(ConfigurationError, match="save it first"):
            read_examples(path)


def test_a_separator_cuts_the_labels_of_json_too(tmp_path):
    path = write_jsonl(tmp_path / "rows.jsonl", [("a", "x; y"), ("b", ""), ("c", ["z;z"])])

    examples = read_examples(path, Columns(separator=";"))

    assert [("x", "y"), (), ("z;z",)] == [row.labels for row in examples.kept]
