"""Digits and signs for letters: fr33, micr0s0ft, c@sh."""

import re
from itertools import islice, product

from textsieve.worker.normalization.alphabets import LATIN
from textsieve.worker.normalization.edits import Edit, Found
from textsieve.worker.normalization.leet_rules import READ_AS, SHORTEST, Word, is_disguise_by_shape, is_known_disguise
from textsieve.worker.normalization.lexicon import UNKNOWN, rank

_SIGN = "[0-9@$!|+£¥¢]"  # and the euro, which would make the search for all of them slower
_SIGNS = READ_AS.keys()

# What every text that this rule could change contains, and few others, unless it is a euro
SOMEWHERE = re.compile(
    rf"{_SIGN}(?:(?<=[{LATIN}].)(?:[{LATIN}0-9@$!+|]|(?<=[{LATIN}]{{3}}[013457$+])(?!\w))"
    rf"|(?<=[013457$])(?<![0-9]{{2}})[{LATIN}](?:[{LATIN}]?{_SIGN}|[{LATIN}]{{2}}|x\b))"
)
# A word of its own, of letters and signs: parts of addresses, paths and numbers with a sign in them are none
_MIXED = re.compile(rf"""["'\u201c\u2018(\[]*([{LATIN}0-9@$!|+€£¥¢]+)[.,?;:'"\u201d\u2019)\]]*""")
_RUN = re.compile("[0-9@$!|+€£¥¢]+")
_NO_DISGUISE = re.compile(r"^\$[A-Z]|[a-z]\d+[A-Z]|^[mfw]4[mfw]$|^rt@")
_CODES = frozenset(
    ("4chan", "4shared", "auth0", "cov3", "gen3", "hyp3", "meta1", "pip3", "win95")
)  # names that read as a word

_WITHOUT_SIGNS = str.maketrans(dict.fromkeys(_SIGNS, ""))

_MOST_PER_LETTER = 3  # characters, with it
_LONGEST = 24  # letters of a word that is looked at
_MOST_READINGS = 64  # of a word whose signs can be read in several ways


def leet(text: str) -> Found:
    """Words with signs in place of letters get their letters, where a word results.

    A known English word, by rules that leave names of products alone (`open3d`, `bootstrap5`, `l10n`); an unknown one
    where several signs stand inside it, or where the text is plainly of another language and the shape speaks for it.
    """
    edits, end = [], 0
    for chunk in text.split():
        if _SIGNS.isdisjoint(chunk):
            continue
        place = text.index(chunk, end)
        end = place + len(chunk)
        match = _MIXED.fullmatch(chunk) if not chunk.isdecimal() else None
        for word in dict.fromkeys((match[1], match[1].rstrip("!|+"))) if match else ():  # punctuation, or a letter
            new = _spelled(word, text) if SHORTEST <= len(word) <= _LONGEST else None
            if match and new is not None:
                start = place + match.start(1)
                edits.append(Edit(start, start + len(word), new))
                break
    return Found(edits, bool(edits))


def _spelled(text: str, around: str) -> str | None:
    letters = text.translate(_WITHOUT_SIGNS)
    if len(text) > len(letters) * _MOST_PER_LETTER or len(text) == len(letters):
        return None  # c451n0 can be read, 410e is a number
    plain_case = (letters[1:] or letters).islower()
    if not (plain_case or letters.isupper()) or _NO_DISGUISE.search(text) or text.lower() in _CODES:
        return None
    inside = text[0] not in _SIGNS and text[-1] not in _SIGNS
    word = Word(text, letters, list(_RUN.finditer(text)), inside, plain_case)
    new = min(_readings(text), key=rank)
    known = rank(new)
    accepted = is_known_disguise(word, known) if known < UNKNOWN else is_disguise_by_shape(word, around)
    if not accepted:
        return None
    return new.upper() if letters.isupper() and len(letters) > 1 else new


def _readings(text: str) -> list[str]:
    choices = [READ_AS.get(letter, letter) for letter in text]
    return ["".join(letters) for letters in islice(product(*choices), _MOST_READINGS)]
