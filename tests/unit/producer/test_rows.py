import csv
import gzip
import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from producer.errors import ConfigurationError
from producer.rows import BadRow, Row, read
from producer.sources import Format, find_source

CELLS = st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


def read_bytes(content, file_format, *, needed=(), encoding="utf-8"):
    source = find_source("-", stdin=io.BytesIO(content), file_format=file_format, encoding=encoding)
    return list(read(source, needed=needed))


def fields(content, file_format, **options):
    return [row.fields for row in read_bytes(content, file_format, **options)]


@settings(deadline=None)
@given(rows=st.lists(st.tuples(CELLS.filter(str.strip), CELLS), max_size=5))
def test_any_csv_comes_back_as_it_was_written(rows):
    written = io.StringIO(newline="")
    csv.writer(written).writerows([("text", "note"), *rows])

    assert fields(written.getvalue().encode(), Format.CSV) == [{"text": text, "note": note} for text, note in rows]


@settings(deadline=None)
@given(objects=st.lists(st.dictionaries(st.text(), st.text() | st.integers() | st.lists(st.text())), max_size=5))
def test_any_json_lines_come_back_as_they_were_written(objects):
    content = "".join(json.dumps(each) + "\n" for each in objects).encode()

    assert fields(content, Format.JSONL) == objects


@settings(deadline=None)
@given(content=st.binary())
@pytest.mark.parametrize("file_format", [Format.JSONL, Format.TEXT])
def test_no_bytes_stop_the_reader(file_format, content):
    assert all(isinstance(row, Row | BadRow) for row in read_bytes(content, file_format))


@settings(deadline=None)
@given(content=st.binary())
def test_no_bytes_below_a_header_stop_the_csv_reader(content):
    assert all(isinstance(row, Row | BadRow) for row in read_bytes(b"text,note\n" + content, Format.CSV))


def test_plain_lines_are_texts_and_blank_ones_are_skipped():
    assert fields(b"one\r\n\n  \ntwo", Format.TEXT) == [{"text": "one"}, {"text": "two"}]


@pytest.mark.parametrize(
    ("file_format", "content"),
    [(Format.CSV, b"text\nhello\n"), (Format.JSONL, b'{"text": "hello"}'), (Format.TEXT, b"hello")],
)
def test_a_byte_order_mark_is_skipped(file_format, content):
    assert fields(b"\xef\xbb\xbf" + content, file_format) == [{"text": "hello"}]


def test_an_embedded_newline_stays_and_later_origins_count_it():
    rows = read_bytes(b'text\n"two\nlines"\nlast\n', Format.CSV)

    assert rows == [Row("<stdin>:2", {"text": "two\nlines"}), Row("<stdin>:4", {"text": "last"})]


def test_a_field_longer_than_the_csv_modules_own_limit_is_read():
    long_text = "x" * 200_000

    assert fields(f"text\n{long_text}\n".encode(), Format.CSV) == [{"text": long_text}]


@pytest.mark.parametrize(
    ("bad_line", "reason"),
    [
        (b"one,two,three", "expected 2 columns"),
        (b"one", "expected 2 columns"),
        (b'"one"x,two', "not CSV"),
        (b"caf\xe9,two", "set --encoding"),
    ],
)
def test_a_bad_csv_row_is_told_with_its_line_and_the_rest_is_read(bad_line, reason):
    first, bad, last = read_bytes(b"text,note\na,b\n" + bad_line + b"\nc,d\n", Format.CSV)

    assert bad.origin == "<stdin>:3"
    assert reason in bad.reason
    assert (first.fields, last.fields) == ({"text": "a", "note": "b"}, {"text": "c", "note": "d"})


def test_a_quote_that_never_closes_is_told_where_it_opened():
    assert read_bytes(b'text\nfine\n"open\nand so on\n', Format.CSV)[1] == BadRow(
        "<stdin>:3", "a quote opened in this row is never closed: the rest of the file was taken for one field"
    )


@pytest.mark.parametrize(
    ("bad_line", "reason"),
    [
        (b'{"text": "half', "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b'["text"]', "came an array"),
        (b"null", "came null"),
        (b'{"text": "caf\xe9"}', "set --encoding"),
        (b'{"text": "\\ud800"}', "not JSON"),
    ],
)
def test_a_bad_json_line_is_told_with_its_line_and_the_rest_is_read(bad_line, reason):
    bad, last = read_bytes(b"\n" + bad_line + b'\n{"text": "fine"}\n', Format.JSONL)

    assert bad.origin == "<stdin>:2"
    assert reason in bad.reason
    assert last.fields == {"text": "fine"}


def test_another_encoding_is_read_when_it_is_named():
    assert fields(b"text\ncaf\xe9\n", Format.CSV, encoding="latin-1") == [{"text": "café"}]


def test_unnamed_columns_are_skipped_while_they_are_empty():
    rows = read_bytes(b"text,,\nfine,,\nsplit, in two,\n", Format.CSV)

    assert rows == [
        Row("<stdin>:2", {"text": "fine"}),
        BadRow("<stdin>:3", "there is a value in a column that the header does not name"),
    ]


@pytest.mark.parametrize("header", [b"", b"\n", b"note\n", b"text,text\n", b'"te"xt\n'])
def test_a_header_that_spoils_every_row_is_refused(header):
    with pytest.raises(ConfigurationError):
        read_bytes(header, Format.CSV, needed={"text"})


def test_a_truncated_gzip_file_gives_what_it_has_and_says_that_it_breaks_off(tmp_path):
    path = tmp_path / "texts.txt.gz"
    lines = "".join(f"{number * 7919 % 10_007} is a number\n" for number in range(5_000))
    path.write_bytes(gzip.compress(lines.encode())[:-2_000])

    *rows, last = read(find_source(str(path), stdin=io.BytesIO()))

    assert len(rows) > 1_000
    assert "breaks off" in last.reason


def test_a_file_that_is_not_gzip_in_spite_of_its_name_is_told(tmp_path):
    path = tmp_path / "texts.txt.gz"
    path.write_bytes(b"plain")

    [bad] = read(find_source(str(path), stdin=io.BytesIO()))

    assert "breaks off" in bad.reason


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_a_csv_with_another_separator_is_told_from_one_without_the_column(separator):
    content = separator.join(["id", "text"]).encode()

    with pytest.raises(ConfigurationError, match="separated by commas, not by "):
        read_bytes(content, Format.CSV, needed=["text"])
