"""Characters that disguise letters: which ones, and what they stand for."""

import unicodedata
from collections.abc import Iterable, Mapping
from string import ascii_uppercase


def _block(first: int, end: int) -> frozenset[str]:
    return frozenset(map(chr, range(first, end)))


# Letters of other scripts by the Latin letter whose shape they have, chosen by eye: twins in nearly every font, and kin
# that a reader takes for it inside a word. The many more pairs of Unicode's confusables.txt are shapes that differ, or
# scripts that no keyboard writes.
_TWINS = {
    "АВЕЅІЈКМНОРСТУХԚԜӀ" + "асԁеһіјорԛѕуѵԝхӏ": "ABESIJKMHOPCTYXQWI" + "acdehijopqsyvwxl",  # Cyrillic
    "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ" + "ϲϳο": "ABEZHIKMNOPTYX" + "cjo",  # Greek
    "ՕՍ" + "օոսհցզյ": "OU" + "onuhgqj",  # Armenian
    "ᎠᎡᎢᎪᎫᎬᎳᎷᎻᎽᏀᏃᏒᏙᏚᏞᏟᏢᏦᏴ": "DRTAJEWMHYGZRVSLCPKB",  # Cherokee
}
_KIN = {
    "ИЯЬБ" + "вгєикмнптшьябзцёїўғқҝӄҫөү": "NRbB" + "brenkmhntwbrbeueiyfkkkcoy",
    "αγεηικνρστυχωβδζθλμπς": "ayenikvpotuxwbdzoluns",
    "ԻԽՏ" + "եիպտքօ": "huS" + "tputpo",
}
SMALL_CAPITALS = dict(zip("ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢ", "abcdefghijklmnoprstuvwyz", strict=True))
# Latin letters of phonetic writing and of few languages: only where an English word results
_ODD_LATIN = SMALL_CAPITALS | dict(zip("ɑɒɡıɩɛɜƒɔɘəƅɓɗ", "aagiieefceebbd", strict=True))


def _pairs(table: Mapping[str, str]) -> dict[str, str]:
    return {
        character: letter
        for characters, letters in table.items()
        for character, letter in zip(characters, letters, strict=True)
    }


TWINS = _pairs(_TWINS)
LOOKALIKES = _pairs(_KIN) | TWINS
SIMILAR = LOOKALIKES | _ODD_LATIN
# Letters with a second reading, tried where the first gives no word
SECOND = dict(zip("вгнирухη", "vgnuruhh", strict=True))
# The other way round, for Russian or Bulgarian words with Latin letters in them: only pairs of the same case and shape
TO_CYRILLIC = dict(zip("ABEKMHOPCTYXaceopxy", "АВЕКМНОРСТУХасеорху", strict=True))

LATIN = "A-Za-z\u00c0-\u024f"  # for a character class
FOREIGN = _block(0x370, 0x590) | _block(0x13A0, 0x13FE)  # those scripts, as blocks of Unicode
ODD_LATIN = frozenset(_ODD_LATIN)

_STYLES = ("<font>", "<wide>", "<circle>", "<square>", "<compat>")  # Unicode's names for a styled letter
_STYLES_BLOCKS = ((0x2100, 0x2150), (0x2460, 0x2500), (0xFF00, 0xFF5F), (0x1D400, 0x1D800), (0x1F110, 0x1F14A))
_NEGATIVE_BLOCKS = (0x1F150, 0x1F170)  # white letters on black circles and squares, A to Z, without a decomposition
_RAISED_BLOCKS = ((0x2B0, 0x2E5), (0x1D2C, 0x1D6B), (0x1D9B, 0x1DC0), (0x2070, 0x209D), (0x2C7C, 0x2C7E))


def _decomposed(blocks: Iterable[tuple[int, int]], kinds: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for character in (chr(code) for first, end in blocks for code in range(first, end)):
        kind, _, target = unicodedata.decomposition(character).partition(" ")
        letters = "".join(chr(int(code, 16)) for code in target.split())
        letter = letters.strip("()")
        if kind not in kinds or len(letter) != 1 or letters not in (letter, f"({letter})"):
            continue
        # a circled digit is a bullet; Greek and Hebrew letters in mathematics are no disguise
        if letter.isascii() and (letter.isalpha() or (letter.isdigit() and kind in ("<font>", "<wide>"))):
            found[character] = letter
    return found


def _styled() -> dict[str, str]:
    found = _decomposed(_STYLES_BLOCKS, _STYLES)
    for first in _NEGATIVE_BLOCKS:
        found |= {chr(first + index): letter for index, letter in enumerate(ascii_uppercase)}
    return found


STYLED = _styled()  # mathematical, full-width, bracketed and enclosed letters, and digits, to ASCII
RAISED = _decomposed(_RAISED_BLOCKS, ("<super>", "<sub>"))  # superscript and subscript letters
WIDE = frozenset(STYLED) & _block(0xFF00, 0xFF5F)  # ordinary beside ideographs
REGIONAL = {chr(0x1F1E6 + index): letter for index, letter in enumerate(ascii_uppercase)}  # two of them are a flag

# Letters upside down, as the other letter that they look like
UPSIDE_DOWN = dict(zip("ɐqɔpǝəɟƃɥᴉıɾʞןlɯuodbɹsʇnʌʍxʎz", "abcdeefghiijkllmnopqrstuvwxyz", strict=True))

# Shown as nothing. Joiners and variation selectors belong to emoji and to some scripts: where one stands decides.
INVISIBLE = (
    frozenset("\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u3164\ufeff\uffa0")
    | _block(0x180B, 0x1810)
    | _block(0x200B, 0x2010)
    | _block(0x202A, 0x202F)
    | _block(0x2060, 0x2070)
    | _block(0xFE00, 0xFE10)
    | _block(0xE0000, 0xE1000)
)
SOFT_HYPHEN = "\u00ad"  # comes with text copied from web pages
DIRECTIONS = frozenset("\u061c\u200e\u200f") | _block(0x202A, 0x202F) | _block(0x2066, 0x206A)
BACKWARDS = "\u202e"  # what follows is shown from right to left

# Those of no one script
COMBINING_MARKS = (
    (_block(0x300, 0x370) - {"\u034f"})
    | _block(0x483, 0x48A)
    | _block(0x1AB0, 0x1B00)
    | _block(0x1DC0, 0x1E00)
    | _block(0x20D0, 0x2100)
)
# Lines through, over and under letters
OVERLAYS = frozenset("\u0305\u0332\u0333\u033f\u0489") | _block(0x334, 0x339) | _block(0x20D2, 0x20E6)


def any_of(characters: Iterable[str]) -> str:
    """A character class for a regular expression, as ranges."""
    codes = sorted(map(ord, characters))
    first = [code for code, before in zip(codes, [-1, *codes], strict=False) if code != before + 1]
    last = [code for code, after in zip(codes, [*codes[1:], -1], strict=True) if code + 1 != after]
    ranges = (f"\\U{low:08x}-\\U{high:08x}" for low, high in zip(first, last, strict=True))
    return f"[{''.join(ranges)}]"
