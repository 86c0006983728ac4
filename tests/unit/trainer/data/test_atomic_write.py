"""A file is there whole or not at all."""

import pytest

from textsieve.trainer.data.atomic_write import write_atomically


def test_a_file_that_cannot_be_written_leaves_the_one_before_and_nothing_else(tmp_path):
    path = tmp_path / "report.md"
    write_atomically(path, "before")

    with pytest.raises(UnicodeEncodeError):
        write_atomically(path, "\ud800")

    assert "before" == path.read_text(encoding="utf-8")
    assert [path] == list(tmp_path.iterdir())
