"""Dead letters read back: what they say, and which are meant."""

from datetime import UTC, datetime

import pytest

from tests.dead_letters import dead_letter
from textsieve.worker.dead_letter_records import Selection, parse_dead_letter, parse_since
from textsieve.worker.errors import ConfigurationError
from textsieve.worker.records import Record

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def test_a_letter_says_where_it_came_from_and_why(stored):
    found = parse_dead_letter(stored[0])

    assert found is not None
    assert ("in/0/0", "in", "decode", "not_json") == (found.source, found.topic, found.stage, found.reason)
    assert (0, 8, "") == (found.timestamp_ms, 8, found.cut)
    assert len(b"not json") == found.size_bytes


def test_the_size_of_a_letter_that_was_cut_is_the_original_one():
    assert 9000 == dead_letter(headers=[("cut", "value"), ("original-bytes", "9000")]).size_bytes


@pytest.mark.parametrize(
    "headers",
    [(), (("textsieve.source", b"in/0/7"),), (("textsieve.source", b"nowhere"), ("textsieve.reason", b"not_json"))],
)
def test_a_strangers_record_is_no_letter(headers):
    assert parse_dead_letter(Record("dead-letters", 0, 0, None, b"", 0, headers)) is None


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (Selection(), ["in/0/0", "in/0/1", "in/0/3", "in/0/4"]),
        (Selection(reasons=frozenset({"not_json", "not_utf8"})), ["in/0/0", "in/0/4"]),
        (Selection(topics=frozenset({"other"})), []),
        (Selection(since_ms=1), []),
        (Selection(since_ms=0), ["in/0/0", "in/0/1", "in/0/3", "in/0/4"]),
    ],
)
def test_a_selection_means_reasons_topics_and_times(stored, selection, expected):
    assert expected == [found.source for found in selection.of(stored)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90s", "2026-11-23T11:58:30"),
        ("15m", "2026-11-23T11:45:00"),
        ("7d", "2026-11-16T12:00:00"),
        ("2026-11-23", "2026-11-23T00:00:00"),
        ("2026-11-23T10:00:00+02:00", "2026-11-23T08:00:00"),
    ],
)
def test_a_time_is_written_as_a_duration_or_in_iso_8601(text, expected):
    assert int(datetime.fromisoformat(expected + "+00:00").timestamp()) * 1000 == parse_since(text, now=NOW)


@pytest.mark.parametrize("text", ["yesterday", "", "-5m", "5 parsecs", "999999d", "99999999999d"])
def test_what_is_no_time_is_refused(text):
    with pytest.raises(ConfigurationError, match="--since"):
        parse_since(text, now=NOW)
