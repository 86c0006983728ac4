"""`python -m trainer inspect`: a bundle is whole, and says what it is."""

import json
import shutil

from typer.testing import CliRunner

from trainer.__main__ import app
from worker.inference.bundle import SHIPPED


def inspect(*arguments):
    return CliRunner().invoke(app, ["inspect", *(str(argument) for argument in arguments)])


def test_the_facts_of_the_shipped_bundle():
    result = inspect(SHIPPED)

    assert 0 == result.exit_code
    assert all(fact in result.stdout for fact in ("sms-spam", "ham, spam", "384 numbers", "5159 of 5574", "256 tokens"))


def test_json_is_the_manifest_in_one_line():
    line = json.loads(inspect(SHIPPED, "--json").stdout)

    assert json.loads((SHIPPED / "bundle.json").read_text(encoding="utf-8")).items() <= line.items()


def test_a_changed_file_is_named(tmp_path):
    folder = shutil.copytree(SHIPPED, tmp_path / "b")
    with (folder / "heads.safetensors").open("ab") as file:
        file.write(b" ")

    result = inspect(folder)

    assert 2 == result.exit_code
    assert "heads.safetensors: expected sha256" in result.stderr
