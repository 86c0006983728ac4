"""From a CSV file to labelled messages: what docs/models.md tells a user to do, one step after the other."""

import csv
import json

from typer.testing import CliRunner

from tests.answers import unseeded
from textsieve.trainer.__main__ import app
from textsieve.worker.inference.loading import load_predictor
from textsieve.worker.pipeline import build_pipeline
from textsieve.worker.records import Record
from textsieve.worker.settings import ModelSettings, Settings


def run(*arguments):
    result = CliRunner().invoke(app, [str(argument) for argument in (*arguments, "--threads", 1)])
    assert 0 == result.exit_code, result.output
    return result.stdout


def write_csv(path, rows):
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ["text", "label"])
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_csv_to_bundle_to_report_to_labelled_messages(tmp_path, texts, encoder_folder):
    lines = [json.loads(line) for line in texts.read_text(encoding="utf-8").splitlines()]
    train, test = write_csv(tmp_path / "train.csv", lines[::2]), write_csv(tmp_path / "test.csv", lines[1::2])
    bundle = tmp_path / "my-bundle"

    quick = ("--encoder", encoder_folder, "--learning-rate", 0.01, "--epochs", 12, "--patience", 12, "--batch-size", 4)

    run("fit", train, "--out", bundle, *quick)
    report = json.loads(run("evaluate", bundle, test, "--training", train, "--json"))
    predictor = load_predictor(
        ModelSettings(path=str(bundle), device="cpu", engine="torch", precision="fp32", max_batch_tokens=256)
    )
    values = [b'{"text": "free cash now"}', b'{"text": "see home you"}']
    records = [Record("messages", 0, offset, None, value, 1000) for offset, value in enumerate(values)]
    pipeline = build_pipeline(Settings(), predictor=predictor, assign=unseeded, now_ms=lambda: 5)
    outcome = pipeline.process(records)

    labelled = [json.loads(result.value) for result in outcome.results]
    assert report["accuracy"] > 0.9
    assert [("spam", "my-bundle"), ("ham", "my-bundle")] == [
        (result["label"], result["model"]["name"]) for result in labelled
    ]
