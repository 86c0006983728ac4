import pytest

from textsieve.worker.campaigns.canonical import LINK, MAX_CHARACTERS, canonical


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Call  07741\nNOW", "call 00000 now"),
        ("code ٣٤", "code 00"),
        ("see https://a.example/x?y=1 now", f"see {LINK} now"),
        ("www.a.example!", LINK),
        ("bit.example/3xY", LINK),
        ("and/or 1.5/2", "and/or 0.0/0"),
        ("", ""),
    ],
)
def test_what_changes_between_copies_is_left_out(text: str, expected: str) -> None:
    assert expected == canonical(text)


def test_a_long_text_is_cut() -> None:
    assert MAX_CHARACTERS == len(canonical("a" * 100_000))


def test_a_canonical_text_stays_as_it_is() -> None:
    text = canonical("Win £500 at https://a.example/x, call 0800 123")

    assert text == canonical(text)
