"""Disguises of words: letters kept apart, and digits or signs in place of letters."""

import re
from string import ascii_lowercase

from worker.normalization.alphabets import LATIN

_LEET = {"0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "t", "@": "a", "$": "s"}  # 2, 6, 8, 9 are spoken: gr8
_SIGNS = "[013457@$]"
_BETWEEN = "[ .*_\u00b7-]"  # what keeps letters apart
_CONSONANT = "[b-df-hj-np-tv-z]"

# What every text that this module could change contains, and few others; a charset in front is searched for fastest
_APART_SOMEWHERE = re.compile(rf"{_BETWEEN}[{LATIN}]{_BETWEEN}[{LATIN}]\b")
_SIGN_SOMEWHERE = re.compile(  # a run of signs is looked at once, from its first one on
    rf"{_SIGNS}(?<!{_SIGNS}{{2}}){_SIGNS}*+(?:[{LATIN}]|\b(?<=[a-z][03])|\b(?<=[a-z](?:33|00)))"
)

_LETTERS_APART = re.compile(
    rf"(?<![\w'\u2019])[{LATIN}]({_BETWEEN})[{LATIN}]\1[{LATIN}](?:\1[{LATIN}])*(?![\w'\u2019])"
)
_SYLLABLE = re.compile(r"[B-DF-HJ-NP-TV-Zb-df-hj-np-tv-z][aeio][a-z]")  # d i e; not y r u
# A word of its own, of letters and signs: parts of addresses, paths and numbers with a sign in them are none. Its first
# character stands in front, and what must come before it behind that: a charset in front is searched for fastest.
_MIXED = re.compile(
    rf"""[{LATIN}013457@$](?<![^\s"'\u201c\u2018(\[].)"""
    rf"(?:(?<=[{LATIN}])[{LATIN}]*+{_SIGNS}|(?<={_SIGNS}){_SIGNS}*+[{LATIN}])[{LATIN}013457@$]*+"
    r"""(?=[.,!?;:'"\u201d\u2019)\]]*(?:\s|$))"""
)

_RUN = re.compile(rf"{_SIGNS}+")
_INSIDE = re.compile(rf"(?<=[{LATIN}]){_SIGNS}{{1,2}}(?=[{LATIN}])")
_SHORT = re.compile(rf"(?![mfw]4[mfw])[A-Za-z](?<![AEIOUaeiou])(?:[0134]|00|33|44){_CONSONANT}")  # s3x, G4y; not b4u
_WITHOUT_VOWEL = re.compile(r"(?!rt@)[B-DF-HJ-NP-TV-Zb-df-hj-np-tv-z][b-df-hj-np-tv-z]{0,2}@")
# A word cannot end before the 3, so that is its e: hav3, muzzi3, crippl3, but level3. Hell0: no number begins with 0.
_AT_THE_END = re.compile(r"[A-Za-z]{2}(?:33|00)|[A-Za-z]?[a-z]{2,}0|[A-Za-z]+(?:[iv]|[b-df-hj-np-tz]l)3")
_AT_THE_BEGINNING = re.compile(r"0[A-Za-z]{3,}|\$[a-z]{2,}")
# Only1more, 1st4Terms; the4th; A1GP; 0A$NET, a name or a code; the end of a British postcode
_NO_DISGUISE = re.compile(
    r"[a-z][0-9]+[A-Z]|\d(?:st|nd|rd|th)$|^[Aa]1|^[7@]|^\d[A-Z]+[^A-Za-z][^a-z]*$|\d[A-Za-z\d]?\d[A-Za-z]{2}$"
)

_LEAST_LETTERS = 3  # beside signs; fewer are a code or a short form
_INITIALS = 5  # capitals with dots or spaces, fewer than this many, are an abbreviation: A.S.A.P.


def join_letters(text: str) -> str:
    """Single letters with the same sign between them become a word: four or more, or three that sound like one."""
    return _LETTERS_APART.sub(_joined, text) if _APART_SOMEWHERE.search(text) else text


def _joined(match: re.Match[str]) -> str:
    sign, letters = match[1], match[0][::2]
    if letters.lower() in ascii_lowercase or len(set(letters.lower())) == 1:  # an alphabet, or kisses: x x x x
        return match[0]
    if letters.isupper() and sign in ". " and len(letters) < _INITIALS:
        return match[0]
    if len(letters) == len("die") and not _SYLLABLE.fullmatch(letters):
        return match[0]
    if letters[0] == "I" and letters[1].islower() and sign == " ":
        return f"I {letters[1:]}"
    return letters


def undo_leet(text: str) -> str:
    """Words with signs in place of letters get their letters."""
    return _MIXED.sub(_spelled, text) if _SIGN_SOMEWHERE.search(text) else text


def _spelled(match: re.Match[str]) -> str:
    word = match[0]
    if not _is_leet(word):
        return word
    letters = "".join(_letter(word, place) for place in range(len(word)))
    return letters.upper() if word.isupper() else letters


def _is_leet(word: str) -> bool:
    runs = _RUN.findall(word)
    if not runs or _NO_DISGUISE.search(word) or any(len(run) > 2 or len(set(run)) > 1 for run in runs):  # noqa: PLR2004
        return False  # longer runs, and pairs of different digits, are numbers
    if "@" in word and not _WITHOUT_VOWEL.match(word):  # an address, or a name on social media
        return False
    if any(form.fullmatch(word) for form in (_SHORT, _AT_THE_BEGINNING, _AT_THE_END)):
        return True
    letters = len(word) - sum(map(len, runs))
    return letters >= _LEAST_LETTERS and letters > len(word) - letters and bool(_INSIDE.search(word))


def _letter(word: str, place: int) -> str:
    sign = word[place]
    if sign != "1":
        return _LEET.get(sign, sign)
    before, after = word[place - 1 : place].lower(), word[place + 1 : place + 2].lower()
    doubled = "1" in (before, after)
    between_vowels = before in set("aeiou") and after in set("aeiou")
    return "l" if doubled or between_vowels else "i"
