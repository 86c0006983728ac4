"""Texts made to take long: a pattern that looks at a character from every start would take minutes of CPU time."""

import json
import time
from random import Random

import pytest

from textsieve.worker.redaction import Redactor, redact_bytes

CHARACTERS = 200_000
CPU_SECONDS = 10  # the slowest of them takes 1.5; what grew with the square of the length took more than 20
REDACTOR = Redactor.of(regions=("GB", "US"))
PIECES = (
    *("a", "1", "@", ".", "a@", "a.a", "1.2.3.", "a:", ":", "GB82", "4111 ", "1 ", "07911 123456", "1 (", "a%", "'a"),
    *(
        "?",
        "?a",
        "?www.",
        "http://a",
        "http://?",
        "www.",
        "://a:",
        "eyJ",
        "-eyJaaaaaaaaaaa",
        "-eyJ",
        "%40",
        "\\n",
        "://a@:",
        "sk-",
        "SG.",
        "AKIA",
    ),
    *("xoxb-", "Bearer ", "-----BEGIN PRIVATE KEY-----", "\u00e9", "\uff11", "\u200b", "\0"),
)


@pytest.mark.parametrize("piece", PIECES)
def test_a_text_of_any_kind_takes_time_by_its_length_alone(piece: str) -> None:
    text = "a:@?" + piece * (CHARACTERS // len(piece))
    began = time.process_time()

    REDACTOR.redact(text)

    assert time.process_time() - began < CPU_SECONDS


def digits(length: int, most_digits: int) -> str:
    """Numbers that nobody has looked up before."""
    rng = Random(7)
    words = (str(rng.randint(1, 10 ** rng.randint(1, most_digits))) for _ in range(length))
    return " ".join(words)[:length]


@pytest.mark.parametrize("most_digits", [1, 2, 3, 4, 12])
def test_a_text_of_different_numbers_takes_few_lookups(most_digits: int) -> None:
    text = digits(CHARACTERS, most_digits)
    began = time.process_time()

    REDACTOR.redact(text)

    assert time.process_time() - began < CPU_SECONDS


def test_the_fields_of_a_message_share_its_lookups() -> None:
    text = digits(80_000, 1)
    value = json.dumps({"text": "hello", "parts": [text[place : place + 80] for place in range(0, len(text), 80)]})
    began = time.process_time()

    redact_bytes(REDACTOR, value.encode())

    assert time.process_time() - began < CPU_SECONDS


def test_what_is_beyond_the_lookups_is_taken_out_without_asking() -> None:
    text = digits(20_000, 1)

    assert REDACTOR.redact(text).text.endswith("[phone]")
