"""Exit codes and words of the command line."""

from dataclasses import asdict

import pytest
from typer.testing import CliRunner

from textsieve.worker import errors
from textsieve.worker.__main__ import cli
from textsieve.worker.commands.check_report import shown
from textsieve.worker.commands.console import exit_codes
from textsieve.worker.inference.engines.report import EngineReport, Trial
from textsieve.worker.loading import reference_table


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (errors.ConfigurationError("kafka.preset: wrong"), 2, "configuration: kafka.preset: wrong\n"),
        (errors.BrokerUnavailable("away"), 1, "stopped: away\n"),
        (errors.StoreUnavailable("away"), 1, "stopped: away\n"),
        (errors.LedgerError("ahead"), 1, "stopped: ahead\n"),
        (errors.WorkerStopped("ceiling"), 1, "stopped: ceiling\n"),
    ],
)
def test_an_error_has_its_exit_code_and_its_reason_on_stderr(capsys, error, code, words):
    with pytest.raises(SystemExit) as left, exit_codes():
        raise error

    assert (code, words) == (left.value.code, capsys.readouterr().err)


def test_a_fault_of_ours_is_not_hidden():
    with pytest.raises(KeyError), exit_codes():
        raise KeyError


@pytest.mark.parametrize("command", [["run"], ["check"], ["clusters", "reset", "--yes"]])
def test_a_wrong_setting_ends_every_command_with_2(command):
    result = CliRunner().invoke(cli, [*command, "--set", "clusters.k=1"])

    assert (2, True) == (result.exit_code, result.stderr.startswith("configuration: clusters.k: "))


def test_a_text_that_no_model_would_read_is_refused():
    result = CliRunner().invoke(cli, ["check", "--text", "free prize"])

    assert (2, True) == (result.exit_code, "--model" in result.stderr)


def test_the_settings_are_printed_as_a_table():
    assert reference_table() == CliRunner().invoke(cli, ["settings"]).stdout.removesuffix("\n")


def test_clusters_are_not_reset_without_a_yes():
    result = CliRunner().invoke(cli, ["clusters", "reset"], input="n\n")

    assert (1, True) == (result.exit_code, "Forget all clusters of space 'default'?" in result.output)


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ({"messages": "id"}, "messages"),
        ({"spam": 0.8}, "spam from 0.8 on"),
        ({}, "none"),
        (("ham", "spam"), "ham, spam"),
        ((), "none"),
        (False, "no"),
        (4, "4"),
    ],
)
def test_what_a_check_found_is_told_in_words(found, words):
    assert words == shown(found)


def test_a_check_tells_what_runs_the_model_and_what_every_candidate_did():
    trials = (Trial("torch fp32", 100.0, 1.0, 1.0), Trial("onnx int8", fault="no such operator"))
    report = EngineReport("torch", "fp32", "the fastest of 1 that agree with fp32", 512, 2, trials)

    lines = shown(asdict(report)).splitlines()

    assert "torch fp32, the fastest of 1 that agree with fp32; 2 threads, device batches of 512 tokens" == lines[0]
    assert "  torch fp32: 100.0 messages/s, labels 100.00% as fp32, cosine 1.0" == lines[1]
    assert "  onnx int8: no such operator" == lines[2]
