"""What an operator sees of dead letters."""

import io
from collections import Counter

import msgspec
from rich.console import Console

from textsieve.worker.dead_letter_records import parse_dead_letter
from textsieve.worker.dead_letter_tables import dead_letter_json, dead_letter_table, newest, plan_table
from textsieve.worker.records import Record
from textsieve.worker.replays import ReplayPlan

PRIVATE = "my private words"
PRIVATE_BYTES = PRIVATE.encode()


def letter(offset=7, *, key=b"k", timestamp_ms=1_795_428_000_000, value=PRIVATE_BYTES):
    ours = {"source": f"in/0/{offset}", "reason": "not_json", "stage": "decode", "detail": "expected JSON"}
    headers = [("textsieve." + name, text.encode()) for name, text in ours.items()]
    found = parse_dead_letter(Record("dead-letters", 0, 3, key, value, timestamp_ms, tuple(headers)))
    assert found is not None
    return found


def shown(table):
    console = Console(file=io.StringIO(), width=200)
    console.print(table)
    return console.file.getvalue()


def test_a_row_says_where_when_why_and_how_large():
    row = shown(dead_letter_table(newest([letter()], limit=5), show_text=False))

    for cell in ("in/0/7", "2026-11-23 10:00:00", "decode", "not_json", str(len(PRIVATE)), "expected JSON"):
        assert cell in row


def test_the_text_is_shown_only_on_request():
    found = newest([letter()], limit=5)

    assert PRIVATE not in shown(dead_letter_table(found, show_text=False))
    assert PRIVATE in shown(dead_letter_table(found, show_text=True))
    assert "text" not in dead_letter_json(letter(), show_text=False)
    assert PRIVATE == dead_letter_json(letter(), show_text=True)["text"]


def test_nothing_in_a_message_can_command_the_terminal():
    row = shown(dead_letter_table(newest([letter(key=b"\x1b[2J[bold]\n")], limit=5), show_text=False))

    assert "\x1b" not in row
    assert "\\x1b[2J[bold]\\n" in row


def test_the_newest_are_kept_and_all_are_counted():
    found = newest((letter(offset, timestamp_ms=offset) for offset in range(100)), limit=3)

    assert ["in/0/97", "in/0/98", "in/0/99"] == [kept.source for kept in found.letters]
    assert "3 of 100 dead letters" in shown(dead_letter_table(found, show_text=False))


def test_no_letters_are_said_in_words():
    assert "no dead letters" in shown(dead_letter_table(newest([], limit=3), show_text=False))


def test_a_line_is_json_whatever_a_sender_wrote():
    line = dead_letter_json(letter(key=b"\xff\x00", timestamp_ms=2**62, value=None), show_text=True)

    assert line["text"] is None
    assert line["time"] == str(2**62)
    assert msgspec.json.decode(msgspec.json.encode(line))["dead_letter"] == "dead-letters/0/3"


def test_a_plan_shows_what_goes_and_what_stays():
    table = shown(plan_table(ReplayPlan({"a": ("in", "not_json")}, Counter(cut=4))))

    assert "not_json" in table
    assert "cut: the value was shortened" in table
