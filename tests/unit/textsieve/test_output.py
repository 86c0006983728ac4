import io
import subprocess
import sys
from pathlib import Path

import pytest

from textsieve.output import OutputLost, standard_output, write_line


def test_characters_that_the_encoding_lacks_are_spelled_out(monkeypatch):
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="ascii"))

    with standard_output() as out:
        out.write("naïve\n")

    assert written.getvalue() == b"na\\xefve\n"


def test_an_output_that_is_closed_is_told(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)

    with pytest.raises(OutputLost, match="closed"), standard_output():
        pass


def test_a_line_in_a_pipe_is_byte_for_byte():
    out = io.TextIOWrapper(io.BytesIO())

    write_line(out, b"\x1b[2J\xff")

    assert out.buffer.getvalue() == b"\x1b[2J\xff\n"


def test_a_line_on_a_terminal_cannot_command_it():
    class Terminal(io.BytesIO):
        def isatty(self):
            return True

    out = io.TextIOWrapper(Terminal())

    write_line(out, "\x1b[2J\x9b\u202eé".encode() + b"\xff")

    assert out.buffer.getvalue().decode() == "\\x1b[2J\\x9b\\u202eé\\xff\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="documented: only Linux has /dev/full")
@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("textsieve >&-", "textsieve: standard output is closed"),
        ("textsieve --version >/dev/full", "textsieve: standard output cannot be written to: No space left"),
        ("textsieve settings >/dev/full", "stopped: standard output cannot be written to: No space left"),
        ("textsieve settings >&-", "stopped: standard output is closed"),
        ("textsieve classify ok --set model.path=/nowhere >&-", "error: standard output is closed"),
        ("textsieve tail --set kafka.bootstrap_servers=127.0.0.1:1 >&-", "error: standard output is closed"),
    ],
)
def test_a_command_whose_output_is_lost_says_so_in_one_line(line, said):
    words, _, redirection = line.partition(" >")
    program = f"{sys.executable} -m {words} >{redirection}"

    result = subprocess.run(["sh", "-c", program], stderr=subprocess.PIPE, text=True, check=False)

    assert (1, said) == (result.returncode, result.stderr[: len(said)])
    assert 1 == result.stderr.count("\n")
