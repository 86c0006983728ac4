"""What stands beside a committed offset."""

import pytest

from textsieve.worker.connectors.kafka.group.commit_metadata import CommitMetadata


@pytest.mark.parametrize("note", [CommitMetadata("a-b_c", 0), CommitMetadata("", 41)])
def test_a_note_is_read_as_it_was_written(note):
    assert note == CommitMetadata.read(str(note))


@pytest.mark.parametrize(
    "metadata", [None, "", "textsieve", "textsieve - -1", "textsieve - x", "other - 1", "textsieve a b 1"]
)
def test_metadata_of_somebody_else_are_no_note(metadata):
    assert CommitMetadata.read(metadata) is None
