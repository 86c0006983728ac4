"""A prefix that a head was trained with is put before every text by whoever serves its bundle."""

import json

import numpy as np
import pytest

from textsieve.worker.inference.bundle.reading import read_bundle
from textsieve.worker.inference.loading import load_predictor
from textsieve.worker.settings import ModelSettings

TEXTS = ["prize call", "home now", "dinner", "win cash at", "late " * 40]
PREFIX = "free now "


def served(folder, **changes):
    plain = {"device": "cpu", "engine": "torch", "precision": "fp32", "max_batch_tokens": 256}
    return load_predictor(ModelSettings(**{"path": str(folder), **plain, **changes}))


@pytest.fixture
def fit(tmp_path, texts, encoder_folder, run_trainer):
    def run(name, *options):
        given = ("--encoder", encoder_folder, "--frozen", "--threads", 1, *options)
        result = run_trainer("fit", texts, "--out", tmp_path / name, *given)
        assert 0 == result.exit_code, result.output
        return tmp_path / name

    return run


@pytest.mark.parametrize("engine", ["torch", "onnx"])
def test_a_served_bundle_answers_as_one_without_prefix_whose_texts_have_it(fit, tmp_path, engine):
    bundle = fit("prefixed", "--prefix", PREFIX)
    chosen = {"engine": engine, "max_windows": 1, "cache_directory": str(tmp_path / "cache")}

    found = served(bundle, **chosen).predict(TEXTS)

    by_hand = served(bundle, prefix="", **chosen).predict([PREFIX + text for text in TEXTS])
    assert (PREFIX, 4) == (read_bundle(bundle).manifest.prefix, read_bundle(bundle).manifest.format)
    np.testing.assert_allclose(by_hand.probabilities, found.probabilities, atol=1e-6)
    np.testing.assert_allclose(by_hand.embeddings, found.embeddings, atol=1e-6)
    assert by_hand.truncated.tolist() == found.truncated.tolist()


def test_the_prefix_is_in_the_space_and_another_one_is_in_the_version(fit, encoder_folder):
    bundle, bare = fit("prefixed", "--prefix", PREFIX, "--version", "7"), fit("bare", "--version", "7")

    own, other, none = served(bundle).card, served(bundle, prefix="win ").card, served(bare).card

    assert 3 == len({own.fingerprint, other.fingerprint, none.fingerprint})
    assert ("7", "7", True) == (own.version, none.version, other.version.startswith("7+reading."))
    labels = {"ham": ["home"], "spam": ["prize"]}
    assert own.fingerprint == served(encoder_folder, kind="zero-shot", labels=labels, prefix=PREFIX).card.fingerprint


def test_what_a_folder_names_is_learned_with_and_remembered_and_may_be_left_out(fit, encoder_folder):
    prompt = {"prompts": {"query": PREFIX}, "default_prompt_name": "query"}
    (encoder_folder / "config_sentence_transformers.json").write_text(json.dumps(prompt), encoding="utf-8")

    named, left_out = fit("named"), fit("left-out", "--prefix", "")

    assert (PREFIX, "") == (read_bundle(named).manifest.prefix, read_bundle(left_out).manifest.prefix)
    assert served(named).card.fingerprint != served(left_out).card.fingerprint
    np.testing.assert_allclose(
        served(named, max_windows=1).predict(TEXTS).embeddings,
        served(left_out, max_windows=1).predict([PREFIX + text for text in TEXTS]).embeddings,
        atol=1e-6,
    )
