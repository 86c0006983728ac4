"""The check digits of payment cards and bank accounts."""

from typing import Final

_DOUBLED: Final = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)  # twice a digit, its own digits summed


def passes_luhn(digits: str) -> bool:
    """Whether the last digit fits the others (ISO/IEC 7812-1, annex B).

    Example:
        >>> passes_luhn("4111111111111111")
        True
    """
    numbers = list(map(int, digits))
    return (sum(numbers[-1::-2]) + sum(_DOUBLED[number] for number in numbers[-2::-2])) % 10 == 0


def passes_mod97(iban: str) -> bool:
    """Whether the check digits fit the account (ISO 13616; ISO 7064, MOD 97-10).

    Args:
        iban: capitals and digits, nothing else.

    Example:
        >>> passes_mod97("GB82WEST12345698765432")
        True
    """
    return int("".join(str(int(character, 36)) for character in iban[4:] + iban[:4])) % 97 == 1
