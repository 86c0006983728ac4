import pytest

from textsieve.terminal import printable


@pytest.mark.parametrize(
    ("came", "shown"),
    [
        ("\x1b[2J", r"\x1b[2J"),
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("\x9b31m", r"\x9b31m"),
        ("\x00\x7f\x08", r"\x00\x7f\x08"),
        ("one\r\ntwo\tthree", r"one\r\ntwo\tthree"),
        ("next\x85line\u2028para\u2029", r"next\x85line\u2028para\u2029"),
        ("\u202egnp.exe\u2069", r"\u202egnp.exe\u2069"),
        ("\u200e\u061c\ufeff", r"\u200e\u061c\ufeff"),
        ("\ud800", r"\ud800"),
        ("\U000e0041\ue000\uffff", r"\U000e0041\ue000\uffff"),
    ],
)
def test_what_could_command_a_terminal_is_spelled_out(came, shown):
    assert printable(came) == shown


@pytest.mark.parametrize(
    "text",
    [
        "plain",
        "naïve “café”",
        "prix : 5\u00a0€",
        "全角\u3000空白",
        "\U0001f469\u200d\U0001f4bb",
        "می\u200cروم",
        r"C:\new",
    ],
)
def test_what_people_write_stays(text):
    assert printable(text) == text


def test_the_line_breaks_of_a_report_may_stay():
    assert printable("one\n\x1b[1mtwo\n", keep="\n") == "one\n\\x1b[1mtwo\n"


def test_no_character_of_unicode_reaches_a_terminal_as_a_command():
    shown = printable("".join(map(chr, range(0x110000))))

    assert not {char for char in shown if ord(char) < 0x20 or 0x7F <= ord(char) < 0xA0 or "\u202a" <= char <= "\u202e"}
