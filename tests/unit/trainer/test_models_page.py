"""What docs/models.md tells people to type is accepted."""

import os
import re
import tomllib
from pathlib import Path

import pytest

from tests.unit.trainer.told import parameters
from textsieve.worker.inference.bundle.manifest import SHIPPED
from textsieve.worker.inference.bundle.reading import read_bundle
from textsieve.worker.inference.model_folder.model_files import file_sha256
from textsieve.worker.settings import ModelSettings

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "models.md"
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
LINES = [line for language, text in BLOCKS if language == "sh" for line in text.splitlines()]


@pytest.mark.parametrize("block", [text for language, text in BLOCKS if language == "toml"])
def test_settings_on_the_page_are_valid(block):
    ModelSettings.model_validate(tomllib.loads(block)["model"])


@pytest.mark.parametrize("line", [line for line in LINES if "-m worker" not in line])
def test_commands_on_the_page_parse(line):
    assert parameters(line)


def test_the_scores_on_the_page_are_those_of_the_shipped_bundle():
    page = PAGE.read_text(encoding="utf-8")

    metrics = read_bundle(SHIPPED).manifest.metrics

    assert all(f"{metrics[f'spam.{name}'].mean:.3f}" in page for name in ("precision", "recall", "f1"))


def shipped_parameters():
    return parameters(next(line for line in LINES if "worker/inference/bundles/sms-spam" in line))


def test_the_command_on_the_page_makes_the_shipped_bundle():
    told, manifest = shipped_parameters(), read_bundle(SHIPPED).manifest

    data = manifest.data
    assert SHIPPED.resolve().relative_to(ROOT) == told["out"]
    assert (told["name"], told["version"]) == (manifest.name, manifest.version)
    assert (told["data_name"], told["data_licence"], told["citation"]) == (data.name, data.licence, data.citation)
    assert (told["frozen"], told["encoder"], manifest.head_pooling) == (True, "default", None)


def test_the_data_of_the_shipped_bundle_is_the_file_that_the_command_reads():
    folder = os.environ.get("TEXTSIEVE_DATA")
    if folder is None:
        pytest.skip("TEXTSIEVE_DATA is not set")
    path = Path(shipped_parameters()["data"].as_posix().replace("$TEXTSIEVE_DATA", folder))

    assert read_bundle(SHIPPED).manifest.data.sha256 == file_sha256(path)


def test_the_card_of_the_shipped_bundle_has_the_numbers_of_its_manifest():
    card, manifest = (SHIPPED / "README.md").read_text(encoding="utf-8"), read_bundle(SHIPPED).manifest

    numbers = {f"{score.mean:.4f} ± {score.std:.4f}" for score in manifest.metrics.values()}
    facts = {manifest.encoder.sha256, manifest.data.sha256, manifest.created, f"{manifest.data.used_rows:,}"}
    assert {fact for fact in numbers | facts if fact not in card} == set()
