import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from textsieve.worker.errors import ConfigurationError
from textsieve.worker.redaction import KINDS, Keys, Redactor
from textsieve.worker.redaction.keys import Key
from textsieve.worker.settings import RedactSettings

ALL = Redactor.of(regions=("GB", "US"))
CARD = "4111 1111 1111 1111"


def redacted(text: str) -> str:
    return ALL.redact(text).text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ask Jo.O'Neil+news@mail.Example.co.uk.", "ask [email]."),
        ("mail to:<jörg@münchen.de>", "mail to:<[email]>"),
        ("'jo@example.org'", "'[email]'"),
        ("see you @8pm, or @home", "see you @8pm, or @home"),
        ("a@b is no address", "a@b is no address"),
        ("_jo@example.org_ jo@example.org_home", "[email]_ [email]_home"),
        ("jo@example.org--please, jo@example.org1", "[email]--please, [email]1"),
        ("jo@example.com.5 days, me@example.com.07911 123456", "[email].5 days, [email].[phone]"),
        ("jo&ann@example.org", "[email]"),
        ("mailto:jo%40example.org", "mailto:[email]"),
        ("package@2.0.0, up to %40 off", "package@2.0.0, up to %40 off"),
    ],
)
def test_email_addresses_go(text: str, expected: str) -> None:
    assert expected == redacted(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"pay with {CARD} 12/27 123", "pay with [card] 12/27 123"),
        ("4111-1111-1111-1111", "[card]"),
        ("3782 822463 10005", "[card]"),
        ("4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1", "[card]"),
        ("41 11 11111111 1111", "[card]"),
        ("_4111111111111111_ 4111\t1111\t1111\t1111 4111\u00b71111\u00b71111\u00b71111", "_[card]_ [card] [card]"),
        ("card5555555555554444please", "card[card]please"),
        ("AB12CDEF5555555555554444", "AB12CDEF5555555555554444"),  # part of an id
        ("\uff14\uff11\uff11\uff11 1111 1111 1111", "[card]"),
        ("4111 1111 1111 1112", "4111 1111 1111 1112"),  # the last digit is wrong
        ("1234 5678 1234 5670", "1234 5678 1234 5670"),  # nobody issues it
        ("41111111111111111111", "41111111111111111111"),  # too long
    ],
)
def test_cards_go_by_issuer_and_check_digit(text: str, expected: str) -> None:
    assert expected == redacted(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("to GB82 WEST 1234 5698 7654 32 please", "to [iban] please"),
        ("de89370400440532013000.", "[iban]."),
        ("NO93-8601-1117-947", "[iban]"),
        ("GB83 WEST 1234 5698 7654 32", "GB83 WEST 1234 5698 7654 32"),  # wrong check digits
        ("GB82WEST12345698765432X", "GB82WEST12345698765432X"),  # too long
        ("ZZ82WEST12345698765432", "ZZ82WEST12345698765432"),  # no such country
    ],
)
def test_bank_accounts_go_by_country_and_check_digits(text: str, expected: str) -> None:
    assert expected == redacted(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("from 203.0.113.7:443", "from [ip]:443"),
        ("2001:db8::1.", "[ip]."),
        ("_203.0.113.7_", "_[ip]_"),
        ("[2001:DB8:0:0:8:800:200C:417A]:80", "[[ip]]:80"),
        ("::ffff:192.0.2.128", "[ip]"),
        ("fe80::1ff:fe23:4567:890a%eth0", "[ip]%eth0"),
        ("at 10:30:15 on 01.02.03.04", "at 10:30:15 on 01.02.03.04"),
        ("version 1.2.3, 1.2.3.4.5 and 1.2.3.400", "version 1.2.3, 1.2.3.4.5 and 1.2.3.400"),
        ("std::vector a::b :: c::1", "std::vector a::b :: c::1"),
    ],
)
def test_ip_addresses_go(text: str, expected: str) -> None:
    assert expected == redacted(text)


@pytest.mark.parametrize(
    "secret",
    [
        "sk-proj-abcdefghij_KLMNOPQRST",
        "sk_live_abcdefghijklmnop1234",
        "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
        "github_pat_11ABCDEFG0abcdefghij_klmnop",
        "glpat-abcdefghij_KLMNOPQRST",
        "AKIAIOSFODNN7EXAMPLE",
        "xoxb-123456789012-abcdefghijkl",
        "AIzaSyA-abcdefghijklmnopqrstuvwxyz01234",
        "hf_abcdefghijklmnopqrstuvwxyzABCDEF",
        "123456789:AAabcdefghijklmnopqrstuvwxyz0123456",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc-DEF_123",
        "eyJhbGciOiJkaXIifQ..aXYxMjM0.Y2lwaGVy.dGFn",
        "Bearer abcdefghijklmnop.qrst",
        "BEARER\tabcdefghijklmnop.qrst",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\ncut off",
    ],
)
def test_secrets_of_programs_go(secret: str) -> None:
    assert "use [secret]" == redacted(f"use {secret}")


@pytest.mark.parametrize("text", ["task-force", "sk-8", "ghp_short", "AKIA is a name", "eyJ.a.b", "a bearer of news"])
def test_what_only_begins_like_a_secret_stays(text: str) -> None:
    assert text == redacted(text)


def test_a_web_token_behind_a_sign_goes() -> None:
    token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc-DEF_123"

    assert "a-[secret] b_[secret]" == redacted(f"a-{token} b_{token}")


@pytest.mark.parametrize("user", ["user:p@ss", "jo%40example.org:p"])
def test_a_password_with_an_at_sign_goes_whole(user: str) -> None:
    assert "https://[secret]@host.example/x" == redacted(f"https://{user}@host.example/x")


@pytest.mark.parametrize("unseen", ["\u20e3", "\u3164", "\uffa0", "\u115f", "\U000e0101", "\u180b", "\x1f", "\x7f"])
def test_characters_that_nobody_sees_hide_no_number(unseen: str) -> None:
    assert "[phone]" == redacted(unseen.join("07911123456"))


def test_user_and_password_of_a_url_go_and_its_host_stays() -> None:
    assert "postgres://[secret]@db.example.org/x" == redacted("postgres://jo:hunter2@db.example.org/x")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://example.org/reset?token=abc&user=jo.", "https://example.org/reset?[url_query]."),
        ("www.example.org/?abc", "www.example.org/?[url_query]"),
        ("example.org/verify?id=7", "example.org/verify?[url_query]"),
        ("https://example.org/#access_token=abc", "https://example.org/#[url_query]"),
        ("https://example.org/a?x=jo@example.org", "https://example.org/a?[url_query]"),
        ("https://example.org/page#part &#8221; really?yes", "https://example.org/page#part &#8221; really?yes"),
    ],
)
def test_queries_of_urls_go_and_the_rest_stays(text: str, expected: str) -> None:
    assert expected == redacted(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("call 07911 123456 now", "call [phone] now"),
        ("Call07911123456Now", "Call[phone]Now"),
        ("mobile_07911123456, _07911 123456_", "mobile_[phone], _[phone]_"),
        ("07911\u00b7123456, tel=%2B447911123456", "[phone], tel=[phone]"),
        ("+44 (0)7911 123456", "[phone]"),
        ("٠٧٩١١ ١٢٣٤٥٦", "[phone]"),
        ("07911\u200b123456", "[phone]"),
        ("07911 123456 07911 123457 150 20:30", "[phone] [phone] 150 20:30"),
        ("(212) 555-1234, 07911 123456", "[phone], [phone]"),
        ("+49 30 901820", "[phone]"),
        ("order 8002345678, 12/11/2026 10:30, 87077", "order [phone], 12/11/2026 10:30, 87077"),
        ("order 1234567890 on 12.10.2026 1.2.3", "order 1234567890 on 12.10.2026 1.2.3"),
        ("on 07911123456150p/msg, 0791112345618+ 07911123456over18", "on [phone]150p/msg, [phone]18+ [phone]over18"),
        ("no 0123456789012345678, 079111234", "no 0123456789012345678, 079111234"),
        ("id a07911123456, AB1CDE07911123456", "id a07911123456, AB1CDE07911123456"),
        ("(07911 123456), (020) 7946 0958", "([phone]), [phone]"),
        ("win 20 33 36 20 12 16 or 123.4567", "win 20 33 36 20 12 16 or 123.4567"),
    ],
)
def test_telephone_numbers_go_by_the_plans_of_the_regions(text: str, expected: str) -> None:
    assert expected == redacted(text)


def test_without_regions_only_international_numbers_are_known() -> None:
    assert "07911 123456, [phone]" == Redactor.of(("phone",)).redact("07911 123456, +44 7911 123456").text


def test_a_long_list_of_numbers_goes_whole() -> None:
    numbers = [f"07911 {number:06}" for number in range(123000, 123300)]

    assert [] == re.findall(r"\d+", redacted(" ".join(numbers)))


def test_only_what_was_asked_for_goes() -> None:
    assert f"[email] {CARD}" == Redactor.of(("email",)).redact(f"jo@example.org {CARD}").text


def test_what_was_found_is_counted_by_kind() -> None:
    assert {"email": 2, "card": 1} == ALL.redact(f"a@example.org b@example.org {CARD}").counts


def test_a_text_without_anything_is_returned_as_it_is() -> None:
    text = "Are we still on for lunch at 12? \uff28ello \u200b"

    assert (text, {}) == (ALL.redact(text).text, ALL.redact(text).counts)


def test_what_nobody_sees_hides_nothing_and_stays_outside_of_it() -> None:
    assert "a\u200bb [card]\u200b c" == redacted("a\u200bb 4111\u200b1111\u200c11111111\u200b c")


def test_nothing_is_left_where_it_is_to_be_dropped() -> None:
    assert "ask  now" == Redactor.of(("email",), mode="drop").redact("ask jo@example.org now").text


KEYS = Keys(Key("2", b"b" * 16), Key("1", b"a" * 16))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Jo@Example.org", "jo@example.org"),
        (CARD, "4111111111111111"),
        ("07911 123456", "+44 7911 123456"),
        ("gb82 west 1234 5698 7654 32", "GB82WEST12345698765432"),
        ("2001:db8:0::1", "2001:DB8::1"),
    ],
)
def test_all_spellings_of_a_value_have_one_pseudonym(one: str, other: str) -> None:
    redactor = Redactor.of(regions=("GB",), mode="pseudonym", keys=KEYS)

    assert redactor.redact(one).text == redactor.redact(other).text


def test_pseudonyms_differ_by_value_kind_tenant_and_key() -> None:
    redactor = Redactor.of(mode="pseudonym", keys=KEYS)
    texts = [
        redactor.redact("a@example.org").text,
        redactor.redact("b@example.org").text,
        redactor.redact("a@example.org", tenant="acme").text,
        Redactor.of(mode="pseudonym", keys=Keys(Key("1", b"a" * 16))).redact("a@example.org").text,
        f"[email:{KEYS.current.pseudonym('secret', 'a@example.org')}]",
    ]

    assert 5 == len(set(texts))


def test_a_pseudonym_is_made_as_the_page_says() -> None:
    assert "[email:f8c60962d999]" == Redactor.of(mode="pseudonym", keys=KEYS).redact("a@example.org").text


def test_pseudonyms_need_a_key() -> None:
    with pytest.raises(ConfigurationError, match=r"redact\.key_file: expected a file with a key"):
        Redactor.of(mode="pseudonym")


def test_an_unknown_region_is_named() -> None:
    with pytest.raises(ConfigurationError, match=r"redact\.regions: expected ISO 3166 codes .*, got UK"):
        Redactor.of(regions=("GB", "UK"))


def test_settings_name_every_kind() -> None:
    assert set(KINDS) == set(RedactSettings().kinds)


@given(st.text(), st.sampled_from(["jo@example.org", CARD, "GB82WEST12345698765432", "203.0.113.7"]), st.text())
def test_whatever_stands_around_it_what_has_blanks_beside_it_goes(before: str, value: str, after: str) -> None:
    assert value not in redacted(f"{before} ;{value}; {after}")


@given(st.text())
def test_a_text_is_changed_where_something_was_found_alone(text: str) -> None:
    found = ALL.redact(text)

    assert bool(found.counts) == (found.text != text)
