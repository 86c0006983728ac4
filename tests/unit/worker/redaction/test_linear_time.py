"""Texts made to take long: a pattern that looks at a character from every start would take minutes of CPU time."""

import time

import pytest

from textsieve.worker.redaction import Redactor

CHARACTERS = 200_000
CPU_SECONDS = 10  # the slowest of them takes 1.5; what grew with the square of the length took more than 20
REDACTOR = Redactor.of(regions=("GB", "US"))
PIECES = (
    *("a", "1", "@", ".", "a@", "a.a", "1.2.3.", "a:", ":", "GB82", "4111 ", "1 ", "07911 123456", "1 (", "a%", "'a"),
    *("?", "?a", "?www.", "http://a", "http://?", "www.", "://a:", "eyJ", "-eyJaaaaaaaaaaa", "sk-", "SG.", "AKIA"),
    *("xoxb-", "Bearer ", "-----BEGIN PRIVATE KEY-----", "\u00e9", "\uff11", "\u200b", "\0"),
)


@pytest.mark.parametrize("piece", PIECES)
def test_a_text_of_any_kind_takes_time_by_its_length_alone(piece: str) -> None:
    text = "a:@?" + piece * (CHARACTERS // len(piece))
    began = time.process_time()

    REDACTOR.redact(text)

    assert time.process_time() - began < CPU_SECONDS
