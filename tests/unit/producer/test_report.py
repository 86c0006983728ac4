import json

import pytest

from textsieve.producer.report import Report, to_json, to_text


def test_the_rate_counts_acked_messages_over_the_whole_time():
    assert Report("messages", sent=12, acked=10, failed=2, seconds=4.0).messages_per_second == 2.5


def test_a_run_without_time_has_no_rate():
    assert Report("messages").messages_per_second == 0.0


@pytest.mark.parametrize(
    ("troubles", "expected"),
    [({}, 0), ({"interrupted": True}, 0), ({"failed": 1}, 1), ({"bad_rows": 1}, 1), ({"fault": "lost"}, 1)],
)
def test_the_exit_code_tells_whether_everything_arrived(troubles, expected):
    assert Report("messages", **troubles).exit_code == expected


def test_the_json_line_has_the_whole_account():
    report = Report("messages", sent=3, acked=2, failed=1, seconds=0.5, bad_rows=4)

    assert json.loads(to_json(report)) == {
        "topic": "messages",
        "sent": 3,
        "acked": 2,
        "failed": 1,
        "seconds": 0.5,
        "bad_rows": 4,
        "interrupted": False,
        "fault": None,
        "messages_per_second": 4.0,
        "would_send": None,
    }


def test_the_sentence_for_people_says_when_it_was_cut_short():
    assert to_text(Report("messages", sent=1, acked=1, seconds=0.5, interrupted=True)) == (
        "messages: 1 sent, 1 acked, 0 failed, 0 bad rows, 0.5 s, 2 messages/s, interrupted"
    )


@pytest.mark.parametrize(("count", "said"), [(0, "0 messages"), (1, "1 message"), (7, "7 messages")])
def test_a_dry_run_says_what_would_be_sent(count, said):
    report = Report("messages", would_send=count, bad_rows=2)

    assert to_text(report) == f"messages: {said} would be sent, 2 bad rows; --dry-run sends nothing"
