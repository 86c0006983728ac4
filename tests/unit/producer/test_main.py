import gzip
import json
import logging
import os
import pty
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from typer.testing import CliRunner

from textsieve.producer.__main__ import app

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def _restore_kafka_logs():
    logger = logging.getLogger("kafka")
    handlers, propagate = logger.handlers, logger.propagate
    yield
    logger.handlers, logger.propagate = handlers, propagate


@pytest.fixture
def run(monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")

    def invoke(*arguments, **options):
        return CliRunner().invoke(app, [str(argument) for argument in arguments], **options)

    return invoke


def test_a_dry_run_prints_the_messages_and_sends_nothing(run, tmp_path):
    (tmp_path / "a.csv").write_text("body,channel\nhello,web\n", encoding="utf-8")

    result = run(tmp_path / "a.csv", "--text-column", "body", "--dry-run")

    assert result.exit_code == 0
    assert result.stdout == '{"text":"hello","channel":"web"}\n'
    assert "1 message would be sent" in result.stderr


def test_a_dry_run_prints_malformed_messages_byte_for_byte(run):
    result = run("--scenario", "--limit", 6, "--malformed-share", 1, "--dry-run", "--quiet")

    assert b"any\xffbody" in result.stdout_bytes
    assert b"\nnull\n" in result.stdout_bytes


def test_standard_input_is_read_in_the_format_that_is_named(run):
    result = run("-", "--format", "text", "--dry-run", input="one\ntwo\n")

    assert result.stdout.splitlines() == ['{"text":"one"}', '{"text":"two"}']


def test_bad_rows_are_shown_a_bounded_number_of_times_and_change_the_exit_code(run, tmp_path):
    (tmp_path / "a.jsonl").write_text("no\n" * 25 + '{"text":"fine"}\n', encoding="utf-8")

    result = run(tmp_path / "a.jsonl", "--dry-run", "--json")

    assert result.exit_code == 1
    assert "a.jsonl:1: not JSON" in result.stderr
    assert "a.jsonl:21:" not in result.stderr
    assert "... and 5 more" in result.stderr
    assert json.loads(result.stdout.splitlines()[-1])["bad_rows"] == 25


def test_the_limit_ends_an_endless_repeat(run, tmp_path):
    (tmp_path / "a.txt").write_text("one\n", encoding="utf-8")

    assert run(tmp_path / "a.txt", "--repeat", 0, "--limit", 7, "--dry-run").stdout.count("one") == 7


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("missing.csv",),
        ("-",),
        ("--scenario", "a.csv"),
        ("--scenario", "--repeat", 2),
        ("--scenario", "--malformed-share", 2),
        ("--scenario", "--rate", 0),
        ("--scenario", "--topic", "two words"),
        ("--scenario", "--security-protocol", "SASL_SSL"),
        ("--scenario", "--ssl-cafile", "missing.pem"),
        ("--scenario", "--bootstrap-servers", "kafka"),
        ("--scenario", "--bootstrap-servers", "kafka:99999"),
        ("--scenario", "--bootstrap-servers", "kafka:0"),
        ("-", "--format", "csv", "--delimiter", "||"),
        ("-", "--format", "csv", "--encoding", "klingon"),
        ("-", "-", "--format", "csv"),
    ],
)
def test_a_wrong_option_or_file_is_exit_code_2_with_a_message(run, arguments):
    result = run(*arguments)

    assert result.exit_code == 2
    assert result.stderr
    assert result.stdout == ""


def test_the_broker_may_come_from_the_environment(run, monkeypatch):
    monkeypatch.setenv("TEXTSIEVE_KAFKA__BOOTSTRAP_SERVERS", "not-an-address")

    assert "not-an-address" in run("--scenario").stderr


def test_the_options_of_a_table_reach_its_reading(run, tmp_path):
    (tmp_path / "a.csv").write_bytes("ham^“hi”^x\n".encode("cp1252"))
    options = ("--delimiter", "^", "--encoding", "cp1252", "--no-header", "--no-quotes", "--text-column", 2)

    result = run(tmp_path / "a.csv", *options, "--key-column", 1, "--dry-run")

    assert json.loads(result.stdout) == {"text": "“hi”", "1": "ham", "3": "x"}


def test_a_row_that_no_worker_reads_is_bad(run, tmp_path):
    (tmp_path / "a.txt").write_text("x" * 100 + "\nshort\n", encoding="utf-8")

    result = run(tmp_path / "a.txt", "--max-value-bytes", 64, "--dry-run")

    assert "a.txt:1: expected at most 64 bytes (input.max_value_bytes), got 111" in result.stderr
    assert result.stdout == '{"text":"short"}\n'


def test_names_of_columns_and_files_do_not_command_the_terminal(run, tmp_path):
    (tmp_path / "a\x1b[2J.jsonl").write_text('{"\\u001b]0;x\\u0007": 1}\n', encoding="utf-8")
    (tmp_path / "b.csv").write_text("\x1b[1mbody\n", encoding="utf-8")

    bad_row = run(tmp_path / "a\x1b[2J.jsonl", "--dry-run", "--text-column", "\x9bx")
    header = run(tmp_path / "b.csv", "--dry-run")

    assert "\\x1b[2J.jsonl:1: there is no field \\x9bx" in bad_row.stderr
    assert "found \\x1b[1mbody" in header.stderr
    assert not set("\x1b\x9b\x07") & set(bad_row.stderr + header.stderr)


def producer(*arguments, **options):
    command = [sys.executable, "-m", "producer", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, timeout=60, check=False, text=True, stderr=subprocess.PIPE, **options)


def shell(line):
    return subprocess.run(
        ["bash", "-c", line.replace("producer", f"{sys.executable} -m producer")],
        cwd=ROOT, timeout=60, check=False, text=True, capture_output=True,
    )  # fmt: skip


def test_a_pipe_is_read_as_it_is_filled(tmp_path):
    os.mkfifo(tmp_path / "texts.csv")
    content = gzip.compress(b"id;text\n1;hello\n2;you\n")
    writer = threading.Thread(target=(tmp_path / "texts.csv").write_bytes, args=[content])
    writer.start()

    result = producer(tmp_path / "texts.csv", "--dry-run", stdout=subprocess.PIPE)
    writer.join()

    assert result.stdout == '{"id":"1","text":"hello"}\n{"id":"2","text":"you"}\n'
    assert result.returncode == 0


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("producer - --format text --dry-run <&-", 2, "error: -: standard input is closed"),
        ("producer --scenario --dry-run >&-", 1, "error: standard output is closed"),
        ("producer --scenario --json --bootstrap-servers 127.0.0.1:1 >&-", 1, "error: standard output is closed"),
        ("producer --scenario --dry-run >/dev/full", 1, "error: standard output cannot be written to: No space left"),
        ("producer --scenario --dry-run --quiet 2>&- | wc -l", 0, ""),
    ],
)
def test_streams_that_are_closed_or_full_are_one_line_and_an_exit_code(line, code, said):
    if "/dev/full" in line and not Path("/dev/full").exists():
        pytest.skip("documented: only Linux has /dev/full")

    result = shell(line)

    assert (code, said) == (result.returncode, result.stderr.rstrip("\n")[: len(said)])
    assert result.stderr.count("\n") == bool(said)


def test_a_reader_that_has_seen_enough_is_no_fault_to_talk_of():
    result = shell("producer --scenario --limit 20000 --dry-run --quiet | head -n 1")

    assert (1, "") == (result.stdout.count("\n"), result.stderr)


def test_a_message_on_a_terminal_cannot_command_it(tmp_path):
    (tmp_path / "a.txt").write_text("one\x1b[2J \x9b31m \u202e\n", encoding="utf-8")
    terminal, its_other_end = pty.openpty()

    result = producer(tmp_path / "a.txt", "--dry-run", "--quiet", stdout=its_other_end)
    os.close(its_other_end)
    shown = os.read(terminal, 1000).decode()
    os.close(terminal)

    assert result.returncode == 0
    assert shown == '{"text":"one\\u001b[2J \\x9b31m \\u202e"}\r\n'
