"""What stands beside a committed offset."""

import pytest

from textsieve.worker.connectors.kafka.group.commit_metadata import OffsetNote


@pytest.mark.parametrize("note", [OffsetNote("a-b_c", 0), OffsetNote("", 41)])
def test_a_note_is_read_as_it_was_written(note):
    assert note == OffsetNote.read(str(note))


@pytest.mark.parametrize(
    "metadata", [None, "", "textsieve", "textsieve - -1", "textsieve - x", "other - 1", "textsieve a b 1"]
)
def test_metadata_of_somebody_else_are_no_note(metadata):
    assert OffsetNote.read(metadata) is None
