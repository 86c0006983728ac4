"""What is undone, what is left alone, and what counts as a disguise."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from textsieve.worker.normalization import ALL, RULES, identity, normalize, normalizer, offset_mapping
from textsieve.worker.records import NormalizedText
from textsieve.worker.settings import model as options

UNDONE = {
    # Cyrillic, Greek, Armenian and Cherokee letters beside Latin ones, or in place of them
    "fr\u0435\u0435 \u0440rize": ("free prize", "homoglyphs"),
    "claim y\u03bfur m\u03bfn\u03b5y": ("claim your money", "homoglyphs"),
    "w\u0585n \u13a2ext": ("won Text", "homoglyphs"),
    "your \u0440\u0430\u0443\u0440\u0430l is ready": ("your paypal is ready", "homoglyphs"),
    "\u0448i\u043f big \u043a\u0430sh": ("win big kash", "homoglyphs"),
    "\u0430ll \u0435\u0445\u0440\u0435n\u0455\u0435\u0455 \u0440\u0430i\u0501": ("all expenses paid", "homoglyphs"),
    "\u0440\u0430\u0443\u0440\u0430\u04cf": ("paypal", "homoglyphs"),  # not one letter of Latin
    "\u0421aptures output": ("Captures output", "homoglyphs"),
    "r\u0435l\u0430bs": ("relabs", "homoglyphs"),  # twins need no dictionary
    # nothing to be seen
    "fr\u200bee": ("free", "invisible"),
    "f\u00adr\u2060e\ufeffe c\u200da\u200csh": ("free cash", "invisible"),
    "f\u00adr\u00ade\u00ade": ("free", "invisible"),  # nobody hyphenates so
    "call 08\u200b71 now": ("call 0871 now", "invisible"),
    "claim \u202eeerf\u202c now": ("claim free now", "bidi"),
    "fr\u202eee": ("free", "bidi"),
    # other clothes
    "\U0001d5d9\U0001d5e5\U0001d5d8\U0001d5d8 \U0001d4ec\U0001d4ea\U0001d4fc\U0001d4f1": ("FREE cash", "styled"),
    "\uff46\uff52\uff45\uff45 \uff10\uff18\uff17\uff11": ("free 0871", "styled"),
    "\u24d5\u24e1\u24d4\u24d4 \U0001f172\U0001f170\U0001f182\U0001f177": ("free CASH", "styled"),
    "\u24a1\u24ad\u24a0\u24a0": ("free", "styled"),
    "\ua730\u0280\u1d07\u1d07 \u1d20\u026a\u1d00\u0262\u0280\u1d00": ("free viagra", "styled"),
    "\u1da0\u02b3\u1d49\u1d49 cash": ("free cash", "styled"),
    "\U0001f1eb \U0001f1f7 \U0001f1ea \U0001f1ea": ("FREE", "styled"),
    "f\U0001d42bee": ("free", "styled"),
    "\u01dd\u01dd\u0279\u025f": ("free", "turned"),
    # marks in heaps, and lines through letters
    "f\u0300\u0301\u0320r\u0329\u0330e\u0321\u0322\u0323e\u0330\u0331\u0332": ("free", "marks"),
    "f\u0336r\u0336e\u0336e\u0336": ("free", "marks"),
    "m\u033do\u033dn\u033de\u033dy": ("money", "marks"),
    # letters apart
    "f r e e money": ("free money", "spaced"),
    "F R E E": ("FREE", "spaced"),
    "F.R.E.E": ("FREE", "spaced"),
    "win f_r_e_e c-a-s-h": ("win free cash", "spaced"),
    "I k i l l you": ("I kill you", "spaced"),
    "you a s l u t": ("you a slut", "spaced"),
    "v.i.a.g.r.a and c-a-s-h": ("viagra and cash", "spaced"),
    "t \u00f6 t e n": ("t\u00f6ten", "spaced"),
    "you should d i e.": ("you should die.", "spaced"),
    # signs for letters
    "cl@im y0ur pr1ze n0w": ("claim your prize now", "leet"),
    "micr0s0ft": ("microsoft", "leet"),
    "FR33 C4SH": ("FREE CASH", "leet"),
    "G4y, s3x, d00d": ("Gay, sex, dood", "leet"),
    "ca$h and $ex, hell0!": ("cash and sex, hello!", "leet"),
    "sa1e, he11o": ("sale, hello", "leet"),
    "d\u00e9tes7e": ("d\u00e9teste", "leet"),
    "1mm1gr4nts": ("immigrants", "leet"),
    "P4SSW0RD of your 4cc0unt": ("PASSWORD of your account", "leet"),
    "bank!ng w3!gh+ m0r7g4g€": ("banking weight mortgage", "leet"),
    "Die Typen sind alle widerlich und sm3rig": ("Die Typen sind alle widerlich und smerig", "leet"),
    "ur9en7: claim your 8onu5": ("urgent: claim your bonus", "leet"),
    # several at once
    "c\u0430\ua731\u0131n\u03bf": ("casino", "homoglyphs"),
    "f\u0336\u200b\U0001d42b\u200bee": ("free", "invisible styled marks"),
    "\u0441l\u0430im f\u200br\u200be\u200be pr1ze": ("claim free prize", "invisible homoglyphs leet"),
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
    # lists of single letters
    "vitamins A B C D E K; axes x y z w; R G B A; a, b, c; i j k l m",
    # names of products, formats and standards
    "Neo4j, log4j, GPLv3 and SNMPv3; K8s, l10n, i18n, a11y; GA4GH, PM4Py, MD4C, B3DM, YOLOv3, GPT4o, L3AC, Win95",
    "h5py, mpi4py, boto3, S3Outposts, z4j, Auth0, Mem0, open3d, vector3d, Bootstrap5, fast5, POP3, Py3k, gem5art",
    "hack4you, gpt4free, html5lib, s3transfer, web3modal, MP3s, i3wm, p4p, 3D, 2FA, 10x, 100k, M365, a5cd0c4, x86",
    # physics and mathematics
    "the \u03b1-helix, \u03b3H2AX, GL\u03b1DOS, \u03c3-algebra, 5 k\u03a9, \u0394T = 3 \u03bcm",
    "\u03bd\u03bc and \u03c1xy, \u03c0r\u00b2, \u2102 \u211d",
    # pronunciations
    "[\u02c8ke\u026akju\u02d0m] /r\u0251\u026at/ /b\u025bt/ \u02c8t\u032a\u02b0\u026an",
    "[t\u0361s\u0329] d\u0259\u02c8v\u0254\u02d0",
    # abbreviations
    "d.o.o., s.r.o., a.k.a., S.p.A., J.A.R.V.I.S. and S.M.A.R.T. disks, w.i.p.",
    # words of another script whose letters all have Latin twins
    "The Russian word \u0441\u043e\u0440 means litter, \u0430\u0442\u043e\u043c is atom, \u0425\u0423\u0420 a system",
    # letters that stand for others in their own languages
    "s\u0131cak sular, \u0131l\u0131k; Ten peda\u0142 jest mi\u0142e; \u0254k\u0254 f\u025b; S\u00f8ren",
    # spelling by marks of their own
    "\u1eccl\u1ecd\u0301run \u1ecd\u0300r\u1ecd\u0300",
    "kr\u0325\u1e63\u1e47a r\u0325ta",
    # directions in texts that have two
    "\U0001f1eb\U0001f1f7\U0001f1e9\U0001f1ea \U0001f1fa\U0001f1f8\U0001f1ec\U0001f1e7",
    "\U0001d53c\u2093 Mr\u02e2, n\u1d57\u02b0, p\u02b0, USD\u24c8-M",
)


@pytest.mark.parametrize(("text", "expected"), UNDONE.items())
def test_a_disguise_is_undone_and_named(text, expected):
    plain, rules = expected

    assert NormalizedText(plain, tuple(rules.split())) == normalize(text)


@pytest.mark.parametrize("text", LEFT)
def test_what_is_no_disguise_stays_as_it_is(text):
    assert NormalizedText(text) == normalize(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Donau\u00addampf", "Donaudampf"),  # copied from a web page
        ("cafe\u0301", "caf\u00e9"),  # as macOS writes it
        ("\uff21\uff22\uff23\u793e\u306e\u88fd\u54c1", "ABC\u793e\u306e\u88fd\u54c1"),  # as Japanese is typed
        ("\uff26\uff32\uff25\uff25\u30d7\u30ec\u30bc\u30f3\u30c8", "FREE\u30d7\u30ec\u30bc\u30f3\u30c8"),
        ("\u05e9\u05dc\u05d5\u05dd iPhone\u200e15", "\u05e9\u05dc\u05d5\u05dd iPhone15"),  # a text of two directions
        ("E = \U0001d45a\U0001d450\u00b2 of \U0001d465\U0001d466\U0001d467", "E = mc\u00b2 of xyz"),  # a formula
    ],
)
def test_innocent_forms_are_evened_out_without_a_word(text, expected):
    assert NormalizedText(expected) == normalize(text)


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
    assert NormalizedText(text) == identity(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("e" + "\u0301\u0323" * 50_000 + " cash", "e cash"),  # sorted by Python in quadratic time
        ("1" * 100_000, "1" * 100_000),
        ("a/" * 50_000, "a/" * 50_000),
        ("\u1d00" * 100_000 + "9z", "\u1d00" * 100_000 + "9z"),
        ("fr\u0251z " * 20_000, "fr\u0251z " * 20_000),
        ("a\u0251." * 100_000, "a\u0251." * 100_000),
        ("\U0001d41a " + "a" * 200_000, "\U0001d41a " + "a" * 200_000),
        ("\u00e9" + " \u00e9" * 200_000 + "_", "\u00e9" + " \u00e9" * 200_000 + "_"),
        ("\u03b1\u00ad" * 200_000 + "\u03b1", "\u03b1" * 200_001),
        ("z\u0250z\u0250 " * 20_000, "z\u0250z\u0250 " * 20_000),
    ],
)
@pytest.mark.timeout(60)  # it takes a second, or minutes
def test_a_text_made_to_be_slow_is_not(text, expected):
    assert expected == normalize(text).text


@pytest.mark.parametrize(("text", "expected"), UNDONE.items())
def test_a_rule_that_is_switched_off_leaves_its_disguises(text, expected):
    rules = frozenset(expected[1].split())

    assert rules.isdisjoint(normalize(text, ALL - rules).rules)
    assert NormalizedText(text) == normalize(text, frozenset())


def test_the_settings_name_the_rules_that_there_are():
    assert RULES == options.RULES


def test_a_reader_undoes_what_it_is_told():
    text = "f r e e ca$h"

    assert NormalizedText("f r e e cash", ("leet",)) == normalizer(["leet"])(text)
    assert NormalizedText("free cash", ("spaced", "leet")) == normalizer(RULES)(text)
    assert NormalizedText(text) == normalizer(())(text)


pieces = st.lists(st.sampled_from([*UNDONE, *LEFT]), min_size=1, max_size=4).map(" ".join)


@given(st.text() | pieces)
def test_every_character_that_is_read_has_a_place_in_the_text_as_it_came(text):
    places = offset_mapping(text)

    assert len(places) == len(normalize(text).text)
    assert all(0 <= place < len(text) for place in places)


@given(st.text() | pieces)
def test_places_rise_with_the_text_where_nothing_is_turned_round(text):
    places = offset_mapping(text, ALL - {"bidi", "turned"})

    assert list(places) == sorted(places)


@given(st.text())
def test_a_text_that_is_read_as_it_came_is_where_it_was(text):
    as_it_came = tuple(range(len(text)))

    assert (as_it_came == offset_mapping(text)) or text != normalize(text).text


@pytest.mark.parametrize(
    ("text", "word", "stood"),
    [
        ("win f r e e cash", "free", "f r e e"),
        ("win fr\u200bee cash", "free", "fr\u200bee"),
        ("win \U0001d5d9\U0001d5e5\U0001d5d8\U0001d5d8", "FREE", "\U0001d5d9\U0001d5e5\U0001d5d8\U0001d5d8"),
        ("win f\u0336r\u0336e\u0336e", "free", "f\u0336r\u0336e\u0336e"),
        ("so micr0s0ft says", "microsoft", "micr0s0ft"),
    ],
)
def test_a_word_that_is_read_is_found_where_it_stood(text, word, stood):
    places, first = offset_mapping(text), normalize(text).text.index(word)

    assert stood == text[places[first] : places[first + len(word) - 1] + 1]


def test_what_was_turned_round_is_traced_letter_by_letter():
    assert (0, 1, 6, 5, 4, 3, 8) == offset_mapping("a \u202eeerf\u202c.")
