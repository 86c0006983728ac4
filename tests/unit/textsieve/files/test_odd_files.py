"""Files as people have them: each comes out as its texts, or the fault is named with its line."""

import bz2
import gzip
import json
import lzma
from dataclasses import dataclass, field

import pytest

from textsieve.files.errors import UnreadableFile
from textsieve.files.layout import Layout
from textsieve.files.reading import read
from textsieve.files.rows import BadRow, literal
from textsieve.files.sources import find_source

LINES = "".join(f"{number * 7919 % 10_007} is a number\n" for number in range(5_000))


@dataclass(frozen=True)
class Odd:
    name: str
    content: bytes | str
    expected: list[str]  # texts, and what is said of bad rows with a `!` before it
    column: str = "text"
    layout: dict = field(default_factory=dict)


def came(odd, tmp_path):
    path = tmp_path / odd.name
    path.write_bytes(odd.content if isinstance(odd.content, bytes) else odd.content.encode())
    rows = read(find_source(str(path), layout=Layout(**odd.layout)), needed={odd.column})
    return [
        f"!{row.origin.rpartition('/')[2]}: {row.reason}"
        if isinstance(row, BadRow)
        else f"{row.line}: {literal(row.get(odd.column))}"
        for row in rows
    ]


ODD = {
    "a data frame with its row numbers": Odd("a.csv", ",text,label\n0,hello,ham\n1,win,spam\n", ["2: hello", "3: win"]),
    "a data frame written to TSV": Odd("a.tsv", "\ttext\n0\thello\n", ["2: hello"]),
    "row numbers in a file of semicolons": Odd("a.csv", ";text;label\n0;hello;ham\n", ["2: hello"]),
    "columns without a name that are empty": Odd("a.csv", "text,,\nhello,,\n", ["2: hello"]),
    "Excel's first line": Odd("a.csv", "sep=;\r\ntext;label\r\nhello, you;ham\r\n", ["3: hello, you"]),
    "Excel's first line after a byte order mark": Odd("a.csv", "\ufeffsep=\t\ntext\tlabel\nhello\tham\n", ["3: hello"]),
    "semicolons": Odd("a.csv", "id;text\n1;hello, you\n2;a;b\n", ["2: hello, you", "!a.csv:3: expected 2 columns"]),
    "bars": Odd("a.csv", "text|label\nhello; you|ham\n", ["2: hello; you"]),
    "tabs in a file called CSV": Odd("a.csv", "label\ttext\nham\thello, you\n", ["2: hello, you"]),
    "semicolons inside the texts of a file of commas": Odd("a.csv", "text,note\na;b;c,d\n", ["2: a;b;c"]),
    "one column with semicolons in it": Odd("a.csv", "text\na;b\n", ["2: a;b"]),
    "a delimiter that is named": Odd("a.csv", "text^label\na,b^ham\n", ["2: a,b"], layout={"delimiter": "^"}),
    "a delimiter by a word": Odd("a.csv", "x\ttext\n1\ta\n", ["2: a"], layout={"delimiter": "tab"}),
    "TSV without a header": Odd(
        "SMS.tsv", 'ham\tGo "on"\nspam\tWin\n', ['1: Go "on"', "2: Win"], "2", {"header": False}
    ),
    "TSV with a quote that nothing closes": Odd(
        "a.tsv", 'text\n"hello\nyou\n', ['2: "hello', "3: you"], layout={"quotes": False}
    ),
    "CSV without a header": Odd("a.csv", "1,hello\n2,you\n", ["1: hello", "2: you"], "2", {"header": False}),
    "semicolons without a header": Odd("a.csv", "1;hello\n2;you\n", ["1: hello", "2: you"], "2", {"header": False}),
    "a column by its number": Odd("spam.csv", "v1,v2,,,\nham,hello,,,\n", ["2: hello"], "2"),
    "a column whose name is a number": Odd("a.csv", "2,1\nhello,you\n", ["2: hello"], "2"),
    "names with white space around": Odd("a.csv", " id , text \n1,hello\n", ["2: hello"]),
    "quoted names": Odd("a.csv", '"id";"text"\n"1";"hello; you"\n', ["2: hello; you"]),
    "line breaks of Windows": Odd("a.csv", "text\r\nhello\r\nyou\r\n", ["2: hello", "3: you"]),
    "line breaks of old Macs": Odd("a.csv", "text,x\rhello,1\ryou,2\r", ["2: hello", "3: you"]),
    "no line break at the end": Odd("a.csv", "text\nhello", ["2: hello"]),
    "blank lines everywhere": Odd("a.csv", "\n\ntext\n\nhello\n\n", ["5: hello"]),
    "line breaks in a text": Odd("a.csv", 'text\n"two\nlines"\nlast\n', ["2: two\nlines", "4: last"]),
    "rows that are too short and too long": Odd(
        "a.csv",
        "text,x\na\nb,c,d\nlast,1\n",
        ["!a.csv:2: expected 2 columns", "!a.csv:3: expected 2 columns", "4: last"],
    ),
    "a text with a comma and no quotes": Odd(
        "a.csv", "text,\nhello, you\n", ["!a.csv:2: there is a value in a column"]
    ),
    "a quote that is never closed": Odd(
        "a.csv", 'text\nfine\n"open\nand\n', ["2: fine", "!a.csv:3: a quote opened in this"]
    ),
    "quotes that are not doubled": Odd("a.csv", 'text\n"a "b" c"\nfine\n', ["!a.csv:2: not CSV", "3: fine"]),
    "NULs": Odd("a.csv", "text\nhel\0lo\n", ["2: hel\0lo"]),
    "a very long line": Odd("a.csv", "text\n" + "x" * 200_000, ["2: " + "x" * 200_000]),
    "a header and nothing else": Odd("a.csv", "text,label\n", []),
    "UTF-8 with a mark": Odd("a.csv", "\ufefftext\nnaïve\n", ["2: naïve"]),
    "UTF-16 with a mark": Odd("a.csv", "text,x\nnaïve,1\n".encode("utf-16"), ["2: naïve"]),
    "UTF-16, big end first, with a mark": Odd("a.csv", "\ufefftext\nnaïve\n".encode("utf-16-be"), ["2: naïve"]),
    "Excel's Unicode text": Odd("a.tsv", "id\ttext\r\n1\tnaïve\r\n".encode("utf-16"), ["2: naïve"]),
    "UTF-16 with a mark, though UTF-8 was named": Odd(
        "a.txt", "naïve\n".encode("utf-16"), ["1: naïve"], layout={"encoding": "utf-8"}
    ),
    "UTF-16 without a mark that was named": Odd(
        "a.csv", "text\nnaïve\n".encode("utf-16-le"), ["2: naïve"], layout={"encoding": "utf-16-le"}
    ),
    "UTF-32 with a mark": Odd("a.jsonl", '{"text": "naïve"}'.encode("utf-32"), ["1: naïve"]),
    "cp1252 that was named": Odd(
        "a.csv", "text\n€ “x”\n".encode("cp1252"), ["2: € “x”"], layout={"encoding": "cp1252"}
    ),
    "cp1252 that was not": Odd(
        "a.csv", "text\n“x”\nok\n".encode("cp1252"), ["!a.csv:2: not utf-8: set --encoding", "3: ok"]
    ),
    "UTF-16 that breaks off": Odd(
        "a.txt", "one\ntwo\n".encode("utf-16")[:-1], ["1: one", "!a.txt:1: the file breaks off"]
    ),
    "gzip": Odd("a.csv.gz", gzip.compress(b"text\nhello\n"), ["2: hello"]),
    "gzip of UTF-16": Odd("a.tsv.gz", gzip.compress("x\ttext\n1\tnaïve\n".encode("utf-16")), ["2: naïve"]),
    "gzip of one JSON array": Odd("a.json.gz", gzip.compress(b'[{"text": "hello"}]'), ["1: hello"]),
    "gzip without its suffix": Odd("a.txt", gzip.compress(b"hello\n"), ["1: hello"]),
    "a suffix of gzip on plain text": Odd("a.txt.gz", b"hello\n", ["1: hello"]),
    "gzip in two members": Odd("a.txt.gz", gzip.compress(b"one\n") + gzip.compress(b"two\n"), ["1: one", "2: two"]),
    "nothing but white space": Odd("a.txt", " \n\t\n", []),
    "an empty file of lines": Odd("a.txt", "", []),
    "an empty file of JSON": Odd("a.json", "", []),
    "one JSON array": Odd("a.json", '[\n {"text": "a"},\n\n {"text":\n "b"}, {"text": "c"}]', ["2: a", "4: b", "5: c"]),
    "JSON lines called JSON": Odd("a.json", '{"text": "a"}\n\n{"text": "b"}\n', ["1: a", "3: b"]),
    "one JSON object on several lines": Odd("a.json", '{\n "text": "a"\n}\n', ["1: a"]),
    "other values in a JSON array": Odd(
        "a.json", '[{"text": "a"},\n"b", [1], null, 5]', ["1: a", *["!a.json:2: expected a JSON object, got"] * 4]
    ),
    "a bad line among JSON lines": Odd(
        "a.jsonl", '{"text": "a"}\n{"text": \n\n{"text": "b"}\n', ["1: a", "!a.jsonl:2: not JSON", "4: b"]
    ),
    "JSON lines that hold other values": Odd(
        "a.jsonl",
        '["a"]\n"b"\n7\ntrue\nnull\n',
        [f"!a.jsonl:{line}: expected a JSON object, got" for line in range(1, 6)],
    ),
    "JSON of depth": Odd("a.jsonl", "[" * 100_000 + '\n{"text": "a"}', ["!a.jsonl:1: not JSON", "2: a"]),
    "JSON with half a character": Odd(
        "a.jsonl", '{"text": "\\ud800"}\n{"text": "a"}', ["!a.jsonl:1: half of a surrogate pair", "2: a"]
    ),
    "JSON with NaN": Odd("a.jsonl", '{"text": "a", "x": NaN}\n', ["!a.jsonl:1: not JSON"]),
    "JSON with numbers that no float holds": Odd("a.jsonl", '{"text": "a", "x": 1e400, "y": 1.10}\n', ["1: a"]),
    "numbers, booleans and null as texts": Odd(
        "a.jsonl", '{"text": 1.10}\n{"text": true}\n{"text": null}\n{}\n', ["1: 1.10", "2: true", "3: None", "4: None"]
    ),
    "JSON in cp1252": Odd(
        "a.jsonl", '{"text": "é"}\n{"text": "a"}'.encode("cp1252"), ["!a.jsonl:1: not utf-8", "2: a"]
    ),
    "line separators of Unicode inside a text": Odd("a.jsonl", '{"text": "a\u2028b\x85c"}\n', ["1: a\u2028b\x85c"]),
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_an_odd_file_comes_out_as_its_texts(odd, tmp_path):
    found = came(odd, tmp_path)

    assert len(found) == len(odd.expected)
    assert all(
        row.startswith(expected) if expected.startswith("!") else row == expected
        for row, expected in zip(found, odd.expected, strict=True)
    ), found


REFUSED = {
    "an empty file": Odd("a.csv", "", ["a.csv:1: expected a header with the column names, got an empty file"]),
    "blank lines and nothing else": Odd("a.csv", "\n\n", ["got an empty file"]),
    "a header of commas": Odd("a.csv", ",,\n", ["got a line without any"]),
    "two columns of one name": Odd(
        "a.csv", "text,label,text\na,b,c\n", ["a.csv:1: the header names text more than once"]
    ),
    "another column": Odd("a.csv", "body,label\n", ["expected the column text, found body, label: set --text-column"]),
    "a number beyond the columns": Odd("a.csv", "a,b\n", ["expected the column 3"], "3"),
    "another column among semicolons": Odd("a.csv", "body;label\n", ["separated by ';', set --delimiter ';'"]),
    "another column among tabs": Odd("a.csv", "body\tlabel\n", ["set --delimiter tab"]),
    "no header and no number": Odd("a.csv", "a,b\n", ["go by number, 1 to 2, got text"], layout={"header": False}),
    "no header, no number and semicolons": Odd("a.csv", "a;b\n", ["set --delimiter ';'"], layout={"header": False}),
    "a header that is not CSV": Odd("a.csv", '"te"xt\n', ["a.csv:1: expected a header"]),
    "UTF-16 without a mark": Odd("a.csv", "text\nx\n".encode("utf-16-le"), ["set --encoding utf-16-le"]),
    "UTF-16 without a mark, big end first": Odd("a.csv", "text\n".encode("utf-16-be"), ["set --encoding utf-16-be"]),
    "an Excel workbook": Odd("a.csv", b"PK\x03\x04rest", ["an Excel workbook: unpack it, or save the sheet as CSV"]),
    "an old Excel workbook": Odd("a.csv", b"\xd0\xcf\x11\xe0rest", ["an old Excel workbook"]),
    "Parquet": Odd("a.csv", b"PAR1rest", ["Parquet"]),
    "bzip2": Odd("a.csv", bz2.compress(b"text\n"), ["bunzip2"]),
    "xz": Odd("a.csv", lzma.compress(b"text\n"), ["unxz"]),
    "a workbook in gzip": Odd("a.csv.gz", gzip.compress(b"PK\x03\x04rest"), ["an Excel workbook"]),
    "a suffix that says nothing": Odd("a.log", "x", ["set --format"]),
    "no suffix": Odd("a", "x", ["set --format"]),
    "an array that is not JSON": Odd("a.json", '[{"text": "a"},\n', ["a.json: expected one array of objects"]),
    "an array in cp1252": Odd("a.json", '[{"text": "a"},\n{"text": "é"}]'.encode("cp1252"), ["a.json:2: not utf-8"]),
    "a delimiter for lines": Odd("a.txt", "x", ["for tables, got text"], layout={"delimiter": ","}),
    "a delimiter of two characters": Odd("a.csv", "x", ["expected one character"], layout={"delimiter": "||"}),
    "an empty delimiter": Odd("a.csv", "x", ["expected one character"], layout={"delimiter": ""}),
    "an unknown encoding": Odd("a.csv", "x", ["cp1252"], layout={"encoding": "klingon"}),
    "an encoding of bytes": Odd("a.csv", "x", ["no such encoding"], layout={"encoding": "base64"}),
}


@pytest.mark.parametrize("odd", REFUSED.values(), ids=REFUSED)
def test_a_file_that_spoils_every_row_is_refused_with_the_reason(odd, tmp_path):
    with pytest.raises(UnreadableFile) as refused:
        came(odd, tmp_path)

    assert odd.expected[0] in str(refused.value)


@pytest.mark.parametrize("cut", [2_000, 20])
def test_a_truncated_gzip_file_gives_what_it_has_and_says_that_it_breaks_off(tmp_path, cut):
    odd = Odd("a.txt.gz", gzip.compress(LINES.encode())[:-cut], [])

    *rows, last = came(odd, tmp_path)

    assert len(rows) > 1_000
    assert "breaks off" in last


def test_a_line_without_end_does_not_fill_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr("textsieve.files.lines.MAX_LINE_CHARACTERS", 10)
    odd = Odd("a.txt", "x" * 35 + "\nshort\n" + "y" * 10, [])

    assert came(odd, tmp_path) == [
        "!a.txt:1: the line is longer than 10 characters", "2: short", "!a.txt:3: the line is longer than 10 characters"
    ]  # fmt: skip


def test_json_values_come_byte_for_byte(tmp_path):
    (tmp_path / "a.json").write_text(
        '[{"text": "a", "x": 1.10, "y": 1e400,\n "z": [12345678901234567890123, {"q" : 1.0}]}]'
    )

    [row] = read(find_source(str(tmp_path / "a.json")))

    values = {name: bytes(value).decode() for name, value in row.fields.items()}
    assert values == {"text": '"a"', "x": "1.10", "y": "1e400", "z": '[12345678901234567890123,{"q":1.0}]'}


def test_a_layout_is_passed_on_as_options():
    layout = Layout(encoding="cp1252", delimiter="tab", header=False, quotes=False)

    assert layout.arguments() == ["--encoding", "cp1252", "--delimiter", "tab", "--no-header", "--no-quotes"]
    assert Layout().arguments() == []


def test_what_python_itself_writes_is_read_back(tmp_path):
    objects = [{"text": 'é \u2028 " \\ \n', "n": 1.5}, {"text": "", "n": None}]
    (tmp_path / "a.json").write_text(json.dumps(objects, indent=2), encoding="utf-8")

    rows = read(find_source(str(tmp_path / "a.json")))

    assert [literal(row.get("text")) for row in rows] == [each["text"] for each in objects]
