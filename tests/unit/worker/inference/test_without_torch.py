"""On a CPU, where a graph is at hand, a model starts without torch and what it brings."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from textsieve.worker.inference.loading import load_predictor
from textsieve.worker.settings import ModelSettings

ROOT = Path(__file__).parents[4]
WITHOUT = (sys.executable, "-m", "tests.without_torch")
SCRIPT = """
from textsieve.worker.inference.loading import load_predictor
from textsieve.worker.settings import ModelSettings
import sys

settings = ModelSettings.model_validate_json(sys.argv[1])
predictor = load_predictor(settings)
said = predictor.predict(["WINNER!! Claim your free prize, text WIN to 80086 now", "are you home yet?"])
print([predictor.card.labels[row.argmax()] for row in said.probabilities], predictor.card.engine)
"""
ONE_WAY = {"device": "cpu", "engine": "onnx", "precision": "fp32", "max_batch_tokens": 512, "threads": 1}


def run(tmp_path, *, forbid="import", script=SCRIPT, **settings):
    stated = ModelSettings(cache_directory=tmp_path, **{**ONE_WAY, **settings}).model_dump_json()
    return subprocess.run(
        [*WITHOUT, forbid, "-c", script, stated],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("forbid", ["import", "find"])
@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_the_default_starts_and_answers(tmp_path, forbid, precision):
    done = run(tmp_path, forbid=forbid, precision=precision)

    assert f"['spam', 'ham'] onnx {precision}" in done.stdout, done.stderr


def test_the_default_is_calibrated(tmp_path):
    done = run(tmp_path, forbid="find", engine="auto", precision="auto", max_batch_tokens=None)

    assert "['spam', 'ham'] onnx" in done.stdout, done.stderr


def test_the_default_is_compared_with_its_shipped_graph(tmp_path):
    script = SCRIPT.partition("predictor = ")[0] + (
        "from textsieve.worker.inference.model_check import check_model\n"
        "found = check_model(settings, max_message_bytes=1000)\n"
        "print(found.agreement.texts, found.agreement.mean_cosine > 0.99)\n"
    )

    done = run(tmp_path, forbid="find", script=script, precision="int8")

    assert "40 True" in done.stdout, done.stderr


def test_described_labels_over_the_default_need_none(tmp_path):
    labels = {"spam": ("You won a prize, claim it now",), "ham": ("Where are you?",)}

    done = run(tmp_path, labels=labels)

    assert "['spam', 'ham']" in done.stdout, done.stderr


def test_a_folder_whose_graph_was_made_before_needs_none(tmp_path, bundle_folder):
    settings = ModelSettings(path=str(bundle_folder), cache_directory=tmp_path, **ONE_WAY)
    load_predictor(settings)

    done = run(tmp_path, path=str(bundle_folder), forbid="find")

    assert "onnx fp32" in done.stdout, done.stderr


def test_a_folder_whose_graph_was_not_says_how_to_install_it(tmp_path, bundle_folder):
    done = run(tmp_path, path=str(bundle_folder), forbid="find")

    assert "expected torch and transformers" in done.stderr
    assert "run `make torch`, or `pip install 'textsieve[torch]'`" in done.stderr


@pytest.mark.parametrize("forbid", ["import", "find"])
def test_what_is_forbidden_is_not_there(tmp_path, forbid):
    script = "import torch"

    done = subprocess.run([*WITHOUT, forbid, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)

    assert "No module named 'torch'" in done.stderr


def test_a_worker_is_built_without_them_and_without_scikit_learn(tmp_path):
    script = """
import sys, worker.app, worker.inference.background_search.thread
from textsieve.worker.inference.loading import open_model
from textsieve.worker.settings import ModelSettings
open_model(ModelSettings.model_validate_json(sys.argv[1]))
print(sorted({name.partition(".")[0] for name in sys.modules} & {"torch", "transformers", "sklearn", "scipy"}))
"""
    stated = ModelSettings(cache_directory=tmp_path, **ONE_WAY).model_dump_json()

    done = subprocess.run([sys.executable, "-c", script, stated], cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.stdout.endswith("[]\n"), (done.stdout, done.stderr)
