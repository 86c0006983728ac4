"""`check --model` says what a model is, without a broker."""

import json

import pytest
from typer.testing import CliRunner

from textsieve.worker.__main__ import cli
from textsieve.worker.inference.model_check import check_model
from textsieve.worker.inference.model_folder.label_map import too_many_labels

ROOM = 1_000_000


@pytest.fixture
def command(classifier_folder, tmp_path):
    chosen = ["model.engine=torch", "model.precision=fp32", "model.max_batch_tokens=512", "model.device=cpu"]
    options = [part for option in chosen for part in ("--set", option)]
    return [
        "check",
        "--model",
        str(classifier_folder),
        *options,
        "--set",
        f"model.cache_directory={tmp_path / 'cache'}",
    ]


def test_a_model_is_examined_without_broker_and_topics(command):
    shown = CliRunner().invoke(cli, [*command, "--text", "free prize"])

    assert 0 == shown.exit_code, shown.output
    for line in ("labels: ham, spam, other", "pooling: mean", "max_tokens: 24", "tried: free prize", "  alone: "):
        assert line in shown.stdout


def test_machines_are_told_the_same(command):
    found = json.loads(CliRunner().invoke(cli, [*command, "--json"]).stdout)

    assert (["ham", "spam", "other"], 24, "texts of any length") == (
        found["labels"],
        found["max_tokens"],
        found["batches"],
    )
    assert found["tried"]["largest_difference"] < 1e-5


def test_another_engine_is_compared_with_torch(classifier_folder, settings_for, tmp_path):
    settings = settings_for(classifier_folder, engine="onnx", cache_directory=str(tmp_path / "cache"))

    agreement = check_model(settings, max_message_bytes=ROOM).agreement

    assert (1.0, pytest.approx(1.0)) == (agreement.same_labels, agreement.mean_cosine)


def test_scores_that_fit_no_message_are_warned_of(classifier_folder, settings_for):
    warnings = check_model(settings_for(classifier_folder), max_message_bytes=50).warnings

    assert "more than output.max_message_bytes (50)" in warnings[0]
    assert "" == too_many_labels(("ham", "spam"), max_message_bytes=50)


def test_a_model_that_cannot_be_served_ends_the_check(tmp_path):
    (tmp_path / "model").mkdir()

    shown = CliRunner().invoke(cli, ["check", "--model", str(tmp_path / "model")])

    assert 2 == shown.exit_code
    assert "config.json, got none" in shown.stderr
