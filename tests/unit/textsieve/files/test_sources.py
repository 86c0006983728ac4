import io
import os

import pytest

from textsieve.files.errors import UnreadableFile
from textsieve.files.layout import Format, Layout
from textsieve.files.reading import read
from textsieve.files.rows import literal
from textsieve.files.sources import find_source, names_file


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.csv", Format.CSV),
        ("a.CSV.gz", Format.CSV),
        ("a.tsv", Format.TSV),
        ("a.jsonl", Format.JSONL),
        ("a.ndjson.gz", Format.JSONL),
        ("a.json", Format.JSON),
        ("a.txt", Format.TEXT),
    ],
)
def test_the_suffix_tells_the_format(tmp_path, name, expected):
    (tmp_path / name).touch()

    assert find_source(str(tmp_path / name)).format == expected


def test_a_given_format_beats_the_suffix(tmp_path):
    (tmp_path / "a.csv").touch()

    assert find_source(str(tmp_path / "a.csv"), layout=Layout(Format.TEXT)).format == Format.TEXT


def test_a_dash_is_standard_input_and_is_left_open():
    stdin = io.BytesIO(b"hello\n")
    source = find_source("-", stdin=stdin, layout=Layout(Format.TEXT))

    texts = [literal(row.get("text")) for row in read(source)]

    assert texts == ["hello"]
    assert source.is_stream
    assert not stdin.closed


@pytest.mark.parametrize("name", ["missing.csv", "folder", "-"])
def test_what_is_no_file_is_refused(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()

    with pytest.raises(UnreadableFile):
        find_source(name, layout=Layout(Format.TEXT))


@pytest.mark.skipif(os.geteuid() == 0, reason="documented: root may read everything")
def test_a_file_that_may_not_be_read_is_refused(tmp_path):
    path = tmp_path / "a.txt"
    path.touch(mode=0o000)

    with pytest.raises(UnreadableFile, match="cannot be opened"):
        list(read(find_source(str(path))))


def test_a_slow_pipe_gives_its_first_line_before_it_ends():
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as stdin, os.fdopen(writing, "wb", buffering=0) as writer:
        rows = read(find_source("-", stdin=stdin, layout=Layout(Format.TEXT)))
        writer.write(b"hello\n")

        assert literal(next(rows).get("text")) == "hello"


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        ("-", True),
        ("there", True),
        ("nowhere.csv", True),
        ("nowhere.jsonl.gz", True),
        ("hello", False),
        ("look at my.csv", False),
        ("folder", False),
        ("x" * 5_000, False),
        ("a\0b", False),
        ("see example.org", False),
    ],
)
def test_a_word_that_ends_like_a_file_or_is_one_is_read(tmp_path, monkeypatch, argument, expected):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there").touch()
    (tmp_path / "folder").mkdir()

    assert expected is names_file(argument)
