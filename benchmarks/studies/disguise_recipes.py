"""Twenty recipes to disguise a word, and the words: made up here, to judge what the worker undoes."""

from collections.abc import Callable, Mapping
from random import Random
from typing import Final

# What rules and word lists were made with, and what they were judged by afterwards
DEVELOPED: Final = (
    "free",
    "money",
    "cash",
    "prize",
    "winner",
    "casino",
    "viagra",
    "lottery",
    "bitcoin",
    "account",
    "password",
    "verify",
    "urgent",
    "credit",
    "bonus",
    "discount",
    "microsoft",
    "amazon",
    "hate",
    "kill",
    "stupid",
    "trash",
    "naked",
    "escort",
    "guaranteed",
)
HELD_OUT: Final = (
    "claim",
    "gift",
    "reward",
    "dollars",
    "investment",
    "profit",
    "crypto",
    "loan",
    "mortgage",
    "pharmacy",
    "pills",
    "weight",
    "refund",
    "invoice",
    "delivery",
    "banking",
    "security",
    "suspended",
    "paypal",
    "netflix",
    "murder",
    "idiot",
    "disgusting",
    "singles",
    "subscription",
)
_FRAMES = ("{}", "Your {} is waiting, reply today", "we never talk about {} here.", "{} for everybody")

_DIGITS = {"a": "4", "e": "3", "i": "1", "l": "1", "o": "0", "s": "5", "t": "7"}
_SIGNS = {"a": "@4", "e": "3€", "i": "!1", "l": "|1", "o": "0", "s": "$5", "t": "7+"}
_CYRILLIC = dict(zip("aceiopsxykmtnbhrwd", "асеіорѕхукмтпьнгшԁ", strict=True))
_GREEK = dict(zip("aeiknoptuvxwy", "αεικηορτυνχωγ", strict=True))
_OTHERS = {
    "o": "օοо",
    "n": "ոпη",
    "u": "սυ",
    "h": "հһ",
    "g": "ցɡ",
    "a": "аɑα",
    "e": "еєε",
    "i": "іıι",
    "p": "рρ",
    "c": "сϲ",
}
_NOTHING = "\u200b\u200c\u200d\u2060\ufeff\u2063"
_MARKS = "".join(map(chr, (*range(0x300, 0x315), *range(0x316, 0x33A))))
_SMALL = dict(zip("abcdefghijklmnoprtuvwyz", "ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀᴛᴜᴠᴡʏᴢ", strict=True))
_RAISED = dict(zip("abcdefghijklmnoprstuvwxyz", "ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻ", strict=True))
_TURNED = dict(zip("abcdefghijklmnopqrstuvwxyz", "ɐqɔpǝɟƃɥᴉɾʞlɯuodbɹsʇnʌʍxʎz", strict=True))
_MATHEMATICAL = (0x1D41A, 0x1D482, 0x1D4EA, 0x1D586, 0x1D5EE, 0x1D622, 0x1D68A)  # a of bold, script, and so on
_ENCLOSED = (0x24D0, 0x249C)  # circles, brackets
_BLOCKS = (0x1F130, 0x1F150, 0x1F170)  # capitals in squares and black circles


def disguised(word: str, recipe: str, seed: int) -> str:
    """A word in small letters, disguised in a sentence or alone; the same for the same arguments."""
    rng = Random(f"{seed}/{recipe}/{word}")
    return rng.choice(_FRAMES).format(RECIPES[recipe](word, rng))


def plain(word: str, recipe: str, seed: int) -> str:
    """The same without the disguise."""
    return Random(f"{seed}/{recipe}/{word}").choice(_FRAMES).format(word)


def _all(word: str, table: Mapping[str, str], rng: Random) -> str:
    return "".join(rng.choice(table[letter]) if letter in table else letter for letter in word)


def _some(word: str, table: Mapping[str, str], rng: Random) -> str:
    places = [place for place, letter in enumerate(word) if letter in table]
    chosen = set(rng.sample(places, k=rng.randint(1, len(places)))) if places else set()
    return "".join(rng.choice(table[letter]) if place in chosen else letter for place, letter in enumerate(word))


def _joined(separators: str) -> Callable[[str, Random], str]:
    def recipe(word: str, rng: Random) -> str:
        return rng.choice(separators).join(rng.choice((word, word.upper())))

    return recipe


def _inside(word: str, signs: str, rng: Random) -> str:
    return word[0] + "".join(rng.choice(signs) + letter for letter in word[1:])


def _shifted(word: str, firsts: tuple[int, ...], rng: Random) -> str:
    first = rng.choice(firsts)
    return "".join(chr(first + ord(letter) - ord("a")) for letter in word)


RECIPES: Final[Mapping[str, Callable[[str, Random], str]]] = {
    "digits": lambda word, rng: _some(word, _DIGITS, rng),
    "vowels as digits": lambda word, rng: _all(word, {letter: _DIGITS[letter] for letter in "aeio"}, rng),
    "signs": lambda word, rng: _some(word, _SIGNS, rng),
    "spaces": _joined(" "),
    "dots": _joined("."),
    "dashes": _joined("-"),
    "other separators": _joined("_*·"),
    "nothing to be seen": lambda word, rng: _inside(word, _NOTHING, rng),
    "soft hyphens": lambda word, rng: _inside(word, "\u00ad", rng),
    "backwards": lambda word, _: f"\u202e{word[::-1]}\u202c",
    "Cyrillic": lambda word, rng: _some(word, _CYRILLIC, rng),
    "Greek": lambda word, rng: _some(word, _GREEK, rng),
    "several scripts": lambda word, rng: _some(word, _OTHERS, rng),
    "full-width": lambda word, rng: _shifted(word, (0xFF41,), rng),
    "mathematical": lambda word, rng: _shifted(word, _MATHEMATICAL, rng),
    "enclosed": lambda word, rng: _shifted(word, (*_ENCLOSED, *_BLOCKS), rng),
    "small capitals": lambda word, rng: _all(word, _SMALL, rng),
    "raised": lambda word, rng: _all(word, _RAISED, rng),
    "heaps of marks": lambda word, rng: "".join(c + "".join(rng.choices(_MARKS, k=rng.randint(2, 5))) for c in word),
    "upside down": lambda word, rng: _all(word[::-1], _TURNED, rng),
}
