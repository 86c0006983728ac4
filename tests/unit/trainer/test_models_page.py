"""What docs/models.md tells people to type is accepted."""

import json
import re
import shlex
import tomllib
from pathlib import Path

import pytest
import typer

from trainer.__main__ import app
from worker.inference.bundle import SHIPPED, read_bundle
from worker.settings import ModelSettings

PAGE = Path(__file__).parents[3] / "docs" / "models.md"
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
LINES = [line for language, text in BLOCKS if language == "sh" for line in text.splitlines()]


@pytest.mark.parametrize("block", [text for language, text in BLOCKS if language == "toml"])
def test_settings_on_the_page_are_valid(block):
    ModelSettings.model_validate(tomllib.loads(block)["model"])


@pytest.mark.parametrize("line", [line for line in LINES if "-m worker" not in line])
def test_commands_on_the_page_parse(line):
    words = shlex.split(line)
    assert ["python", "-m", "trainer"] == words[:3]

    command = typer.main.get_command(app).commands[words[3]]
    with command.make_context(words[3], words[4:]) as context:
        assert context.params["data"]


def test_the_scores_on_the_page_are_those_of_the_shipped_bundle():
    page = PAGE.read_text(encoding="utf-8")

    metrics = read_bundle(SHIPPED).manifest.metrics

    assert all(f"{metrics[f'spam.{name}'].mean:.3f}" in page for name in ("precision", "recall", "f1"))


def test_the_command_on_the_page_made_the_shipped_bundle():
    line = next(text for language, text in BLOCKS if language == "sh" and "sms-spam" in text)

    manifest = json.loads((SHIPPED / "bundle.json").read_text(encoding="utf-8"))

    data = manifest["data"]
    assert all(value in line for value in (manifest["version"], data["name"], data["licence"], data["citation"]))
