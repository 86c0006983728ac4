import csv
import io
import json

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textsieve.files.errors import UnreadableFile
from textsieve.files.layout import Format, Layout
from textsieve.files.reading import read
from textsieve.files.rows import BadRow, Row
from textsieve.files.sources import find_source

CELLS = st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


def read_bytes(content, file_format):
    return list(read(find_source("-", stdin=io.BytesIO(content), layout=Layout(file_format))))


def rows_or_reason(content, file_format):
    try:
        return read_bytes(content, file_format)
    except UnreadableFile as refused:
        return [BadRow("<stdin>", str(refused))]


@settings(deadline=None)
@given(rows=st.lists(st.tuples(CELLS.filter(str.strip), CELLS), max_size=5))
def test_any_csv_comes_back_as_it_was_written(rows):
    written = io.StringIO(newline="")
    csv.writer(written).writerows([("text", "note"), *rows])

    assert [row.fields for row in read_bytes(written.getvalue().encode(), Format.CSV)] == [
        {"text": text, "note": note} for text, note in rows
    ]


@settings(deadline=None)
@given(objects=st.lists(st.dictionaries(st.text(), st.text() | st.integers() | st.lists(st.text())), max_size=5))
def test_any_json_lines_come_back_as_they_were_written(objects):
    content = "".join(json.dumps(each) + "\n" for each in objects).encode()

    rows = read_bytes(content, Format.JSONL)

    assert [{name: msgspec.json.decode(value) for name, value in row.fields.items()} for row in rows] == objects


@settings(deadline=None)
@given(content=st.binary())
@pytest.mark.parametrize("file_format", Format)
def test_whatever_the_bytes_there_are_rows_or_one_reason_why_not(file_format, content):
    assert all(isinstance(row, Row | BadRow) for row in rows_or_reason(content, file_format))


@settings(deadline=None)
@given(content=st.binary())
def test_no_bytes_below_a_header_stop_the_csv_reader(content):
    assert all(isinstance(row, Row | BadRow) for row in read_bytes(b"text,note\n" + content, Format.CSV))
