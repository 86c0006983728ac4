"""What is undone, what is left alone, and what counts as a disguise."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.normalization import normalize, verbatim
from worker.records import Reading

UNDONE = {
    # Cyrillic, Greek, Armenian and Cherokee letters beside Latin ones, or in place of them
    "fr\u0435\u0435 \u0440rize": "free prize",
    "claim y\u03bfur m\u03bfn\u03b5y": "claim your money",
    "w\u0585n \u13a2ext": "won Text",
    "your \u0440\u0430\u0443 is ready": "your pay is ready",
    "\u0448i\u043f big \u043a\u0430sh": "win big kash",
    "\u0430ll \u0435\u0445\u0440\u0435n\u0455\u0435\u0455 \u0440\u0430i\u0501": "all expenses paid",
    # nothing to be seen
    "fr\u200bee": "free",
    "f\u00adr\u2060e\ufeffe c\u200da\u200csh": "free cash",
    "call 08\u200b71 now": "call 0871 now",
    # other clothes
    "\U0001d5d9\U0001d5e5\U0001d5d8\U0001d5d8 \U0001d4ec\U0001d4ea\U0001d4fc\U0001d4f1": "FREE cash",
    "\uff46\uff52\uff45\uff45 \uff10\uff18\uff17\uff11": "free 0871",
    "\u24d5\u24e1\u24d4\u24d4 \U0001f172\U0001f170\U0001f182\U0001f177": "free CASH",
    "\ua730\u0280\u1d07\u1d07": "free",
    "f\U0001d42bee": "free",
    # marks in heaps, and lines through letters
    "f\u0300\u0301\u0320r\u0329\u0330e\u0321\u0322\u0323e\u0330\u0331\u0332": "free",
    "f\u0336r\u0336e\u0336e\u0336": "free",
    # letters apart
    "f r e e money": "free money",
    "I k i l l you": "I kill you",
    "v.i.a.g.r.a and c-a-s-h": "viagra and cash",
    "t \u00f6 t e n": "t\u00f6ten",
    "you should d i e.": "you should die.",
    # signs for letters
    "cl@im y0ur pr1ze n0w": "claim your prize now",
    "FR33 C4SH": "FREE CASH",
    "G4y, s3x, d00d": "Gay, sex, dood",
    "ca$h and $ex, hell0!": "cash and sex, hello!",
    "sa1e, he11o": "sale, hello",
    "d\u00e9tes7e": "d\u00e9teste",
    "1mm1gr4nts": "immigrants",
    # several at once
    "f\u0336\u200b\U0001d42b\u200bee": "free",
    "\u0441l\u0430im f\u200br\u200be\u200be pr1ze": "claim free prize",
}

LEFT = (
    "",
    "Ok lar... Joking wif u oni...",
    "C u 2nite @ 7, gr8! b4 9pm, l8r m8, some1 4 u",
    "URGENT! Call 08712300220 from landline. \u00a31,000 cash, 150p/msg, SAE to PO Box 5 SW7 3SS W45WQ",
    "the 4th of July, 0A$NETWORKS, 1st4Terms, level3, mp3, iPhone5, A1 road, M4, H1N1, 10am",
    "write to me@home.example.com or @user, see http://x.example/h3ll0?a=b0b",
    "U.S.A. and A.S.A.P., a.m., e.g. this; T-V",
    "x x x x x and a b c d e",
    "y r u so late",
    "\u00c7a va \u00e0 l'\u00e9t\u00e9, Stra\u00dfe, ni\u00f1o, \u0141\u00f3d\u017a",
    "\u0130stanbul s\u0131n\u0131r, ti\u1ebfng Vi\u1ec7t",
    "\u041f\u0440\u0438\u0432\u0435\u0442, \u043a\u0430\u043a \u0434\u0435\u043b\u0430?",
    "\u0412\u043e\u0442 SMS\u043a\u0430, \u0434\u0440\u0443\u0433",
    "\u0393\u03b5\u03b9\u03b1 \u03c3\u03bf\u03c5, \u03ba\u03b1\u03bb\u03ac",
    "the word \u0441\u043f\u0430\u0441\u0438\u0431\u043e means thanks, \u043e\u043d means he",
    "say \u043d\u0435\u0442 to it",
    "\u03b1 = 0.05, 5 \u03bcm, 10 k\u03a9",
    "\u4eca\u5929 \u5929\u6c14 \u5f88 \u597d\uff01 \u305d\u3046\u3067\u3059\u306d",
    "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",  # Persian with a joiner that its spelling demands
    "\u0915\u094d\u200d\u0937 \u0939\u093f\u0928\u094d\u0926\u0940",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467 \u2764\ufe0f 1\ufe0f\u20e3 \U0001f1eb\U0001f1f7 \U0001f44d\U0001f3fd",
    "\u24d8 note, \u2460 first, x\u00b2, 1\u02b3\u1d49, \u2122",
)


@pytest.mark.parametrize(("text", "expected"), UNDONE.items())
def test_a_disguise_is_undone_and_named(text, expected):
    assert Reading(expected, obfuscated=True) == normalize(text)


@pytest.mark.parametrize("text", LEFT)
def test_what_is_no_disguise_stays_as_it_is(text):
    assert Reading(text, obfuscated=False) == normalize(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Donau\u00addampf", "Donaudampf"),  # copied from a web page
        ("cafe\u0301", "caf\u00e9"),  # as macOS writes it
        ("\uff21\uff22\uff23\u793e\u306e\u88fd\u54c1", "ABC\u793e\u306e\u88fd\u54c1"),  # as Japanese is typed
    ],
)
def test_innocent_forms_are_evened_out_without_a_word(text, expected):
    assert Reading(expected, obfuscated=False) == normalize(text)


def test_latin_letters_in_a_russian_word_become_cyrillic():
    assert "\u041f\u043e\u043b\u0443\u0447\u0438 \u0434\u0435\u043d\u044c\u0433\u0438" == (
        normalize("\u041f\u043e\u043by\u0447\u0438 \u0434e\u043d\u044c\u0433\u0438").text
    )


@given(st.text())
def test_what_was_undone_has_no_disguise_left(text):
    once = normalize(text).text

    assert once == normalize(once).text


@given(st.text())
def test_a_text_that_is_not_empty_stays_so(text):
    assert bool(text.strip()) == bool(normalize(text).text.strip())


@given(st.text())
def test_a_text_is_read_as_it_came_where_nothing_is_to_be_undone(text):
    assert Reading(text, obfuscated=False) == verbatim(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("e" + "\u0301\u0323" * 50_000 + " cash", "e cash"),  # sorted by Python in quadratic time
        ("1" * 100_000, "1" * 100_000),
        ("a/" * 50_000, "a/" * 50_000),
    ],
)
def test_a_text_made_to_be_slow_is_not(text, expected):
    assert expected == normalize(text).text
