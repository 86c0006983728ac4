import gzip
import io

import pytest

from producer.errors import ConfigurationError
from producer.sources import Format, find_source


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.csv", Format.CSV),
        ("a.CSV.gz", Format.CSV),
        ("a.jsonl", Format.JSONL),
        ("a.ndjson.gz", Format.JSONL),
        ("a.txt", Format.TEXT),
    ],
)
def test_the_suffix_tells_the_format(tmp_path, name, expected):
    (tmp_path / name).touch()

    assert find_source(str(tmp_path / name), stdin=io.BytesIO()).format == expected


def test_a_given_format_beats_the_suffix(tmp_path):
    path = tmp_path / "a.csv"
    path.touch()

    assert find_source(str(path), stdin=io.BytesIO(), file_format=Format.TEXT).format == Format.TEXT


def test_a_gzipped_file_is_read_unpacked(tmp_path):
    path = tmp_path / "a.txt.gz"
    path.write_bytes(gzip.compress(b"hello"))

    with find_source(str(path), stdin=io.BytesIO()).open() as binary:
        assert binary.read() == b"hello"


def test_a_dash_is_standard_input():
    source = find_source("-", stdin=io.BytesIO(b"hello"), file_format=Format.TEXT)

    with source.open() as binary:
        assert binary.read() == b"hello"
    assert source.is_stream


@pytest.mark.parametrize("name", ["missing.csv", "a.pdf", "folder", "-"])
def test_a_source_that_cannot_be_understood_is_refused(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.pdf").touch()
    (tmp_path / "folder").mkdir()

    with pytest.raises(ConfigurationError):
        find_source(name, stdin=io.BytesIO())


def test_an_unknown_encoding_is_refused():
    with pytest.raises(ConfigurationError, match="latin-1"):
        find_source("-", stdin=io.BytesIO(), file_format=Format.TEXT, encoding="klingon")
