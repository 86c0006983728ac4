import io
from itertools import islice

import pytest

from textsieve.files.errors import UnreadableFile
from textsieve.files.layout import Format, Layout
from textsieve.files.sources import find_source
from textsieve.producer.columns import Columns
from textsieve.producer.errors import ConfigurationError
from textsieve.producer.reading import check_sources, read_messages


def file_source(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    return find_source(str(tmp_path / name), stdin=io.BytesIO())


def stdin_source(file_format=Format.TEXT):
    return find_source("-", stdin=io.BytesIO(b"hello\n"), layout=Layout(file_format))


def test_sources_are_read_one_after_the_other_and_as_often_as_asked(tmp_path):
    sources = [file_source(tmp_path, "a.txt", b"one\n"), file_source(tmp_path, "b.csv", b"text\ntwo\n")]

    values = [each.value for each in read_messages(sources, Columns(), passes=2, on_bad_row=pytest.fail)]

    assert values == [b'{"text":"one"}', b'{"text":"two"}'] * 2


def test_no_number_of_passes_goes_on_for_ever(tmp_path):
    messages = read_messages([file_source(tmp_path, "a.txt", b"one\n")], Columns(), passes=0, on_bad_row=pytest.fail)

    assert len(list(islice(messages, 100))) == 100


def test_bad_rows_are_told_and_the_next_source_is_read(tmp_path):
    sources = [file_source(tmp_path, "a.csv", b'text\n"open\n'), file_source(tmp_path, "b.jsonl", b'{}\n{"text":"b"}')]
    bad_rows = []

    values = [each.value for each in read_messages(sources, Columns(), passes=1, on_bad_row=bad_rows.append)]

    assert values == [b'{"text":"b"}']
    assert [bad_row.rpartition("/")[2].split(": ")[0] for bad_row in bad_rows] == ["a.csv:2", "b.jsonl:1"]


def test_a_missing_column_is_found_before_anything_is_sent(tmp_path):
    with pytest.raises(UnreadableFile, match="--text-column"):
        check_sources([file_source(tmp_path, "a.csv", b"body\nhello\n")], Columns(), passes=1)


def test_standard_input_is_left_untouched_by_the_check():
    source = stdin_source()

    check_sources([source], Columns(), passes=1)

    assert len(list(read_messages([source], Columns(), passes=1, on_bad_row=pytest.fail))) == 1


@pytest.mark.parametrize(("count", "passes"), [(1, 2), (1, 0), (2, 1)])
def test_standard_input_is_read_only_once(count, passes):
    with pytest.raises(ConfigurationError, match="only once"):
        check_sources([stdin_source()] * count, Columns(), passes=passes)


def test_plain_lines_have_no_columns():
    with pytest.raises(ConfigurationError, match="no columns"):
        check_sources([stdin_source()], Columns(key="user"), passes=1)
