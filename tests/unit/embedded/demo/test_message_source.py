import gzip
import os

import pytest

from textsieve.embedded.demo.message_source import Scenario, TextFile
from textsieve.embedded.errors import UnusableFile
from textsieve.files.layout import Format, Layout


def test_a_scenario_has_the_length_that_is_wanted() -> None:
    assert (2000, 300) == (Scenario().count(None), Scenario().count(300))


def test_a_file_counts_the_rows_that_can_become_messages(tmp_path) -> None:
    path = tmp_path / "texts.jsonl.gz"
    lines = [b'{"text": "hello"}\n'] * 20 + [b"not JSON\n", b'{"text": " "}\n']
    path.write_bytes(gzip.compress(b"".join(lines)))

    assert (20, 15) == (TextFile(path).count(None), TextFile(path).count(15))


def test_a_format_is_passed_on_to_the_producer(tmp_path) -> None:
    path = tmp_path / "texts.log"
    path.write_text("hello\n" * 12)
    source = TextFile(path, layout=Layout(Format.TEXT))

    assert 12 == source.count(None)
    assert [str(path), "--text-column", "text", "--format", "text"] == source.arguments()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("texts.csv", "message\nhello\n", "expected the column text"),
        ("texts.log", "hello\n", "set --format"),
        ("texts.txt", "hello\n", "at least 10 texts, got 1"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_with_the_reason(tmp_path, name, content, message) -> None:
    path = tmp_path / name
    path.write_text(content)

    with pytest.raises(UnusableFile, match=message):
        TextFile(path).count(None)


def test_too_few_texts_are_explained_by_the_rows_that_were_left_out(tmp_path) -> None:
    path = tmp_path / "texts.jsonl"
    path.write_text('{"text": "hello"}\n{"body": "hello"}\n[]\n')

    with pytest.raises(UnusableFile, match=r"got 1; 2 rows are left out, the first: .*jsonl:2: there is no field"):
        TextFile(path).count(None)


def test_how_to_read_a_file_is_passed_on_to_the_producer(tmp_path) -> None:
    path = tmp_path / "texts.csv"
    path.write_bytes("ham;“hello”\n".encode("cp1252") * 12)
    source = TextFile(path, "2", "1", Layout(encoding="cp1252", header=False))

    assert 12 == source.count(None)
    assert [str(path), "--text-column", "2", "--encoding", "cp1252", "--no-header"] == source.arguments()
    assert "1" == source.label_column


def test_a_label_by_the_number_of_its_column_is_found_by_its_name(tmp_path) -> None:
    path = tmp_path / "spam.csv"
    path.write_text("v1,v2,,\nham,hello,,\n")

    assert "v1" == TextFile(path, "2", "1").label_column
    assert "label" == TextFile(path, "2").label_column
    with pytest.raises(UnusableFile, match="expected the column 9"):
        _ = TextFile(path, "2", "9").label_column


def test_a_pipe_is_refused_for_it_is_read_twice(tmp_path) -> None:
    os.mkfifo(tmp_path / "texts.csv")

    with pytest.raises(UnusableFile, match="save it to a file"):
        TextFile(tmp_path / "texts.csv").count(None)


def test_the_rows_of_a_file_that_become_no_message_are_named_with_the_reason(tmp_path) -> None:
    path = tmp_path / "texts.jsonl"
    path.write_text('{"text": "hello"}\n' * 12 + '{"body": "hello"}\n[]\n{"text": "late"}\n')

    skipped = TextFile(path).skipped(None)

    assert [f"{path}:13", f"{path}:14"] == [reason.rpartition(": ")[0] for reason in skipped]
    assert [] == TextFile(path).skipped(12)
    assert [] == Scenario().skipped(None)
