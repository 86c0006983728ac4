from pathlib import Path

import pytest

from textsieve.worker.errors import ConfigurationError
from textsieve.worker.redaction import Keys, read_keys
from textsieve.worker.redaction.keys import Key

NEW, OLD = "0f" * 16, "a0" * 32


def written(tmp_path: Path, content: str) -> Path:
    path = tmp_path / "keys"
    path.write_text(content, encoding="utf-8")
    return path


def test_the_first_key_is_the_current_one(tmp_path: Path) -> None:
    path = written(tmp_path, f"# rotated in November\n2026-11 = {NEW}\n\n2026-10: {OLD}\n")

    assert Keys(Key("2026-11", bytes.fromhex(NEW)), Key("2026-10", bytes.fromhex(OLD))) == read_keys(path)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", "one key or two"),
        (f"a={NEW}\nb={NEW}\nc={NEW}", "one key or two"),
        (f"a={NEW}\na={OLD}", "an id of its own"),
        ("a = 0f0f", "32 to 128 hexadecimal digits in line 1"),
        (f"# key\n{NEW}", "in line 2"),
        (f"a = {NEW}0", "in line 1"),
        (f"a = {'0f' * 65}", "in line 1"),
    ],
)
def test_a_file_without_one_or_two_keys_is_refused_and_never_shown(tmp_path: Path, content: str, expected: str) -> None:
    with pytest.raises(ConfigurationError, match=expected) as caught:
        read_keys(written(tmp_path, content))

    assert "0f0f" not in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"redact\.key_file: expected a readable text file, got .*nowhere"):
        read_keys(tmp_path / "nowhere")


def test_a_key_shows_its_id_and_no_more() -> None:
    assert "Keys(current=Key(id='a'), previous=None)" == repr(Keys(Key("a", b"secret")))
