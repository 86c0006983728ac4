import json
import logging

import pytest
from typer.testing import CliRunner

from producer.__main__ import app


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
    assert "0 sent" in result.stderr


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
