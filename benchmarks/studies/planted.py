"""Personal data and secrets that belong to nobody, and what only looks like them: made from a seed."""

import base64
import hashlib
import ipaddress
import string
from collections.abc import Callable
from random import Random

import phonenumbers
from phonenumbers import PhoneNumberFormat, PhoneNumberType

Item = tuple[str, str]  # as it is written, and what is left of it once it is redacted
HALF, SELDOM = 0.5, 0.05
REGIONS = ("GB", "US", "DE", "FR", "ES", "IN", "BR", "NG")
_KINDS_OF_NUMBERS = (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE, PhoneNumberType.TOLL_FREE)
_NAMES = ("anna", "li.wei", "j_smith", "maria-jose", "o'neil", "ravi+shop", "Eze.Obi", "k.müller", "x1999")
_DOMAINS = ("example.org", "mail.example.co.uk", "example-shop.de", "post.example.museum", "exämple.fr", "EXAMPLE.COM")
_ALNUM = string.ascii_letters + string.digits
_CARDS = (  # how an issuer's numbers begin, and their digits
    *(("4", 16), ("4", 13), ("51", 16), ("2300", 16), ("34", 15), ("37", 15), ("6011", 16), ("3530", 16)),
    *(("36", 14), ("6212", 16), ("6759", 18)),
)
_GROUPINGS = {16: (4, 4, 4, 4), 15: (4, 6, 5), 14: (4, 6, 4), 13: (4, 4, 4, 1), 18: (4, 4, 4, 4, 2)}
_ACCOUNTS = {  # after the check digits: n digits, a capitals, c either (the IBAN registry)
    "GB": "aaaannnnnnnnnnnnnn",
    "DE": "nnnnnnnnnnnnnnnnnn",
    "FR": "nnnnnnnnnncccccccccccnn",
    "NO": "nnnnnnnnnnn",
    "NL": "aaaannnnnnnnnn",
    "ES": "nnnnnnnnnnnnnnnnnnnn",
    "MT": "aaaannnnncccccccccccccccccc",
    "PL": "nnnnnnnnnnnnnnnnnnnnnnnn",
    "CH": "nnnnncccccccccccc",
    "SA": "nncccccccccccccccccc",
    "BR": "nnnnnnnnnnnnnnnnnnnnnnnac",
    "BE": "nnnnnnnnnnnn",
}


def _text(rng: Random, letters: str, count: int) -> str:
    return "".join(rng.choices(letters, k=count))


def digits(rng: Random, count: int) -> str:
    """So many digits."""
    return _text(rng, string.digits, count)


def card(rng: Random) -> Item:
    """A card in one piece, in groups, or with digits of another script."""
    return _grouped(rng, _card_number(rng)), "[card]"


def _card_number(rng: Random) -> str:
    prefix, length = rng.choice(_CARDS)
    body = prefix + digits(rng, length - len(prefix) - 1)
    return body + str((10 - _luhn(body + "0")) % 10)


def _luhn(number: str) -> int:
    doubled = [int(d) * (1 + place % 2) for place, d in enumerate(reversed(number))]
    return sum(value - 9 if value > 9 else value for value in doubled) % 10  # noqa: PLR2004  # its digits summed


def _grouped(rng: Random, number: str) -> str:
    sign = rng.choice(["", " ", "-", " ", "."])
    groups, place = [], 0
    for size in _GROUPINGS[len(number)]:
        groups.append(number[place : place + size])
        place += size
    written = sign.join(groups)
    if rng.random() < SELDOM:
        zero = rng.choice([0xFF10, 0x0660])  # full-width, Arabic-Indic
        return written.translate({ord(str(digit)): zero + digit for digit in range(10)})
    return written


def iban(rng: Random) -> Item:
    """An account in one piece or in groups of four, in capitals or not."""
    written = _account(rng)
    if rng.random() < HALF:
        written = " ".join(written[place : place + 4] for place in range(0, len(written), 4))
    return (written.lower() if rng.random() < SELDOM else written), "[iban]"


def _account(rng: Random) -> str:
    country = rng.choice(sorted(_ACCOUNTS))
    kinds = {"n": string.digits, "a": string.ascii_uppercase, "c": string.digits + string.ascii_uppercase}
    body = "".join(rng.choice(kinds[kind]) for kind in _ACCOUNTS[country])
    rest = int("".join(str(int(character, 36)) for character in f"{body}{country}00")) % 97
    return f"{country}{98 - rest:02}{body}"


def email(rng: Random) -> Item:
    """An address of a person, letters of other scripts included."""
    return f"{rng.choice(_NAMES)}{rng.choice(['', digits(rng, 2)])}@{rng.choice(_DOMAINS)}", "[email]"


def ip(rng: Random) -> Item:
    """IPv4, or IPv6 in its short or its long form."""
    if rng.random() < HALF:
        return str(ipaddress.IPv4Address(rng.getrandbits(32))), "[ip]"
    end = rng.getrandbits(rng.choice([16, 64]))
    address = ipaddress.IPv6Address((0x20010DB8 << 96) | (rng.getrandbits(16) << 64) | end)
    return rng.choice([address.compressed, address.exploded, address.compressed.upper()]), "[ip]"


def secret(rng: Random) -> Item:
    """A key or token of one of many issuers."""
    header = base64.urlsafe_b64encode(b'{"alg":"HS256"}').decode().rstrip("=")
    body = base64.urlsafe_b64encode(b'{"sub":"%d"}' % rng.getrandbits(40)).decode().rstrip("=")
    made = (
        f"sk-{_text(rng, _ALNUM, 48)}",
        f"sk-ant-api03-{_text(rng, _ALNUM + '-_', 80)}a",
        f"sk_live_{_text(rng, _ALNUM, 24)}",
        f"ghp_{_text(rng, _ALNUM, 36)}",
        f"github_pat_{_text(rng, _ALNUM, 22)}_{_text(rng, _ALNUM, 59)}",
        f"glpat-{_text(rng, _ALNUM, 20)}",
        f"AKIA{_text(rng, string.ascii_uppercase + '234567', 16)}",
        f"xoxb-{digits(rng, 12)}-{digits(rng, 12)}-{_text(rng, _ALNUM, 24)}",
        f"AIza{_text(rng, _ALNUM, 35)}",
        f"npm_{_text(rng, _ALNUM, 36)}",
        f"hf_{_text(rng, string.ascii_letters, 34)}",
        f"SG.{_text(rng, _ALNUM, 22)}.{_text(rng, _ALNUM, 43)}",
        f"{header}.{body}.{_text(rng, _ALNUM + '-_', 42)}a",
    )
    return rng.choice(made), "[secret]"


def url_query(rng: Random) -> Item:
    """What a link to a person's own page has behind its question mark."""
    hosts = ["https://example.org/reset", "http://m.example.com/", "www.example.org/a/b", "example.com/verify"]
    path = rng.choice(hosts)
    query = rng.choice(
        [
            f"token={_text(rng, _ALNUM, 20)}",
            f"u={digits(rng, 6)}&s={_text(rng, _ALNUM, 8)}",
            f"e=jo%40example.org&x={digits(rng, 3)}",
        ]
    )
    return f"{path}?{query}", f"{path}?[url_query]"


def phone(rng: Random, region: str) -> Item:
    """A number that somebody in the region could have, written in one of the usual ways."""
    number = _number(rng, region)
    while not phonenumbers.is_valid_number(number):
        number = _number(rng, region)
    national = phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)
    ways = (
        phonenumbers.format_number(number, PhoneNumberFormat.E164),
        phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL),
        national,
        national.replace(" ", ""),
        "".join(filter(str.isdecimal, national)),
        national.replace(" ", "-"),
        national.replace(" ", ".").replace("-", "."),
    )
    return rng.choice(ways), "[phone]"


def _number(rng: Random, region: str) -> phonenumbers.PhoneNumber:
    """An example of the region's plan with other digits at its end, which may be no number."""
    example = phonenumbers.example_number_for_type(region, rng.choice(_KINDS_OF_NUMBERS))
    if example is None:
        return phonenumbers.PhoneNumber()
    written = str(example.national_number)
    changed = min(6, len(written) - 4)
    national = int(written[:-changed] + digits(rng, changed))
    return phonenumbers.PhoneNumber(country_code=example.country_code, national_number=national)


def _same(make: Callable[[Random], str]) -> Callable[[Random], Item]:
    return lambda rng: ((written := make(rng)), written)


def _off_by_one(rng: Random, written: str) -> str:
    """One digit of it changed: every check digit here notices that."""
    place = rng.choice([place for place, character in enumerate(written) if character in string.digits])
    return f"{written[:place]}{(int(written[place]) + rng.randint(1, 9)) % 10}{written[place + 1 :]}"


ITEMS: dict[str, Callable[[Random], Item]] = {
    "email": email, "card": card, "iban": iban, "ip": ip, "secret": secret, "url_query": url_query,
}  # fmt: skip


def _parcel(rng: Random) -> str:
    country = _text(rng, string.ascii_uppercase, 2)
    return f"{country}{digits(rng, 9)}{country}"


def _hash(rng: Random) -> str:
    return hashlib.sha256(digits(rng, 9).encode()).hexdigest()[:40]


def _date(rng: Random) -> str:
    form = rng.choice(["{:02}/{:02}/2026", "{}.{}.2026", "2026-{1:02}-{0:02}"])
    return form.format(rng.randint(1, 28), rng.randint(1, 12))


def _moment(rng: Random) -> str:
    return f"{_date(rng)} {rng.randint(0, 23):02}:{rng.randint(0, 59):02}:{rng.randint(0, 59):02}"


def _amount(rng: Random) -> str:
    return f"{rng.choice('£$€')}{rng.randint(1, 999)},{digits(rng, 3)}.{digits(rng, 2)}"


LOOK_ALIKES: dict[str, Callable[[Random], Item]] = {
    "card with a wrong digit": _same(lambda rng: _off_by_one(rng, _card_number(rng))),
    "account with a wrong digit": _same(lambda rng: _off_by_one(rng, _account(rng))),
    "order of 6 to 9 digits": _same(lambda rng: digits(rng, rng.randint(6, 9))),
    "order of 10 to 20 digits": _same(lambda rng: digits(rng, rng.randint(10, 20))),
    "parcel": _same(_parcel),
    "hash": _same(_hash),
    "date": _same(_date),
    "date and time": _same(_moment),
    "amount": _same(_amount),
    "version": _same(lambda rng: f"v{rng.randint(0, 20)}.{rng.randint(0, 30)}.{rng.randint(0, 99)}"),
    "handle": _same(lambda rng: f"@{rng.choice(_NAMES)}"),
    "code of 4 to 6 digits": _same(lambda rng: digits(rng, rng.randint(4, 6))),
    "numbers side by side": _same(lambda rng: " ".join(str(rng.randint(1, 60)) for _ in range(6))),
    "place": _same(lambda rng: f"{rng.uniform(-90, 90):.4f}, {rng.uniform(-180, 180):.4f}"),
}
