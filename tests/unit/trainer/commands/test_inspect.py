"""`python -m trainer inspect`: a bundle is whole, and says what it is."""

import json
import shutil

import msgspec
import numpy as np
import pytest
from typer.testing import CliRunner

from textsieve.trainer.__main__ import app
from textsieve.worker.inference.bundle.manifest import SHIPPED
from textsieve.worker.inference.bundle.reading import read_bundle
from textsieve.worker.inference.bundle.writing import write_bundle


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


def copied(folder, *, kept=("ham", "spam"), **changes):
    """The shipped bundle as another training might have made it."""
    bundle = read_bundle(SHIPPED)
    weight, bias = bundle.weight[: len(kept)].copy(), bundle.bias[: len(kept)].copy()
    weight[0, 3] += np.float32(2**-10)
    thresholds = {label: least for label, least in bundle.manifest.thresholds.items() if len(kept) > 1}
    told = {"labels": kept, "thresholds": thresholds, "created": "2027-01-01T00:00:00+00:00", **changes}
    manifest = msgspec.structs.replace(bundle.manifest, **told)
    write_bundle(folder, manifest=manifest, weight=weight, bias=bias)
    return folder


def test_a_bundle_that_was_trained_again_is_compared_weight_by_weight(tmp_path):
    other = copied(tmp_path / "again", version="7")

    line = json.loads(inspect(SHIPPED, "--beside", other, "--json").stdout)

    assert (["version"], ["heads.safetensors"]) == (line["fields"], line["files"])
    assert pytest.approx(2**-10, abs=1e-6) == line["largest_difference"]


def test_a_bundle_beside_itself_differs_in_nothing():
    result = inspect(SHIPPED, "--beside", SHIPPED)

    assert ["none", "none"] == [line.split()[-1] for line in result.stdout.splitlines()[:2]]
    assert "largest_difference  0\n" in result.stdout


def test_heads_of_other_shapes_have_no_difference(tmp_path):
    other = copied(tmp_path / "one", kept=("ham",))

    result = inspect(SHIPPED, "--beside", other)

    assert "largest_difference  of another shape" in result.stdout
    assert "labels" in result.stdout
