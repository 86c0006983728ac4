"""The command shows what a worker would publish."""

import io
import sys
from pathlib import Path

import pytest

from textsieve import __main__ as program


def run(capfd: pytest.CaptureFixture[str], *words: str) -> tuple[str, str, int]:
    with pytest.raises(SystemExit) as ended:
        program.main(["redact", *words])
    written = capfd.readouterr()
    return written.out, written.err, ended.value.code


@pytest.fixture
def keys(tmp_path: Path) -> list[str]:
    path = tmp_path / "keys"
    path.write_text(f"new = {'0f' * 16}\nold = {'1e' * 16}\n", encoding="utf-8")
    return ["--set", "redact.mode=pseudonym", "--set", f"redact.key_file={path}"]


def test_texts_are_shown_without_what_the_settings_take_out(capfd) -> None:
    out, err, code = run(capfd, "ask jo@example.org", "at 07911 123456", "--set", "redact.regions=GB")

    assert ("ask [email]\nat [phone]\n", "taken out: 1 email, 1 phone\n", 0) == (out, err, code)


def test_without_texts_the_lines_of_standard_input_are_taken(capfd, monkeypatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"jo@example.org\n\xff hello\r\n")))

    assert ("[email]\n\\xff hello\n", "taken out: 1 email\n", 0) == run(capfd)


def test_the_previous_key_makes_the_pseudonyms_of_before(capfd, keys) -> None:
    now = run(capfd, "jo@example.org", *keys)[0]
    before = run(capfd, "jo@example.org", *keys, "--previous-key")[0]

    assert ("[email:", "[email:", False) == (now[:7], before[:7], now == before)


def test_a_previous_key_that_is_not_there_is_asked_for(capfd) -> None:
    _, err, code = run(capfd, "hello", "--previous-key")

    assert (2, True) == (code, "redact.key_file: expected a second key" in err)
