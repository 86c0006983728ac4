import pytest

from textsieve.worker.redaction import RedactedValue, Redactor, redact_bytes, redact_json

REDACTOR = Redactor.of(("email", "card"))


@pytest.mark.parametrize(
    ("raw", "expected", "counts"),
    [
        (b'"ask jo@example.org"', b'"ask [email]"', {"email": 1}),
        (b'"ask jo\\u0040example.org"', b'"ask [email]"', {"email": 1}),
        (b'{"jo@example.org": ["a@example.org", {"b": 4111111111111111}]}', None, {"email": 2, "card": 1}),
        (b"4111111111111111", b'"[card]"', {"card": 1}),
        (b'{"a": "jo@example.org", "a": 1}', b'{"a":1}', {}),  # the first one would be left in the bytes
        (b'{"a@b.org": 1, "[email]": 2, "c@d.org": 3}', b'{"[email]":1,"[email]#2":2,"[email]#3":3}', {"email": 2}),
        (b"4111111111111111110", b"4111111111111111110", {}),  # an id: random ones pass for a card too often
        (b'"4111111111111111110"', b'"[card]"', {"card": 1}),
        (b"1.50", b"1.50", {}),
        (b'"web\\u0021"', b'"web\\u0021"', {}),
        (b"null", b"null", {}),
    ],
)
def test_every_string_and_number_of_a_value_is_redacted(raw: bytes, expected: bytes | None, counts: object) -> None:
    found = redact_json(REDACTOR, raw)

    assert (expected or b'{"[email]":["[email]",{"b":"[card]"}]}', counts) == (found.value, found.counts)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b'{"text": ["jo@example.org"]}', b'{"text":["[email]"]}'),
        (b'{"text": "jo@example.org"', b'{"text": "[email]"'),
        (b'{"text": "jo\\u0040example.org"', b'{"text": "[email]"'),
        (b'{"a": "jo@example.org", "a": 1}', b'{"a": "[email]", "a": 1}'),
        (b'{"text": "\\uff14111111111111111 \\ud83d\\ude00 \\u0007"', b'{"text": "[card] \\ud83d\\ude00 \\u0007"'),
        (b"[" * 100_000 + b"jo@example.org", b"[" * 100_000 + b"[email]"),
        ("für jo@example.org".encode(), "für [email]".encode()),
        (b'{"text":  1.50}', b'{"text":  1.50}'),
        (b'{"id":  4111111111111111110}', b'{"id":  4111111111111111110}'),
    ],
)
def test_bytes_are_redacted_as_json_or_as_text(value: bytes, expected: bytes) -> None:
    found = redact_bytes(REDACTOR, value)

    assert found is not None
    assert expected == found.value


ESCAPES = ("\\n", "\\t", "\\b", "\\r", "\\f", "\\u000a", "\\u0007", "\\u00a0", '\\"', "\\\\n")


@pytest.mark.parametrize("escape", ESCAPES)
@pytest.mark.parametrize(
    "item",
    [
        "07911 123456",
        "4111111111111111",
        "GB82WEST12345698765432",
        "203.0.113.7",
        "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc-DEF_123",
        "jo@example.org",
    ],
)
def test_what_stands_behind_an_escape_goes_from_what_is_no_json(item: str, escape: str) -> None:
    found = redact_bytes(Redactor.of(regions=("GB",)), f'{{"text": "Call{escape}{item}{escape}now'.encode())

    assert found is not None
    assert 1 == sum(found.counts.values())
    assert item.encode()[1:] not in found.value


def test_a_query_of_a_url_goes_from_what_is_no_json_and_has_escaped_slashes() -> None:
    found = redact_bytes(Redactor.of(), rb'{"text": "https:\/\/example.org\/?abc"')

    assert found is not None
    assert rb'{"text": "https:\/\/example.org\/?[url_query]"' == found.value


def test_json_inside_a_string_is_read_as_what_it_means() -> None:
    found = redact_json(Redactor.of(), rb'{"raw": "{\"a\": \"x\\n4111111111111111 jo\\u0040example.org\"}"}')

    assert rb'{"raw":"{\"a\": \"x\\n[card] [email]\"}"}' == found.value


def test_digits_written_as_surrogate_pairs_are_digits() -> None:
    digits = "".join(f"\\ud835\\udf{0xCE + int(digit):02x}" for digit in "4111111111111111")

    found = redact_bytes(Redactor.of(), f'{{"text": "{digits}'.encode())

    assert found is not None
    assert b'{"text": "[card]' == found.value


def test_bytes_in_which_nothing_is_found_stay_as_they_are() -> None:
    value = b'{ "text":\t"hello \\u0021" }'

    assert RedactedValue(value) == redact_bytes(REDACTOR, value)


def test_of_bytes_that_are_no_text_nothing_is_known() -> None:
    assert None is redact_bytes(REDACTOR, "jo@example.org".encode("utf-16"))
