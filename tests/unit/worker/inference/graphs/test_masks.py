"""Masks of exported graphs are those of the network, in windows of the usual size and with scores of any size."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForSequenceClassification, PreTrainedTokenizerFast

from tests.odd_folders import ARCHITECTURES, WORDS, Architecture, save_odd
from textsieve.worker.inference.loading import load_predictor

EXACT = 1e-5  # of a probability, and of a number in an embedding of length 1
SHARP = 2000.0  # times the usual queries: scores far below -10,000, which ONNX Runtime gives to padding of itself
LOCAL = Architecture(
    "modernbert",
    config={
        "local_attention": 128,
        "global_attn_every_n_layers": 3,
        "num_hidden_layers": 4,
        "cls_token_id": 2,
        "sep_token_id": 3,
        "bos_token_id": 2,
        "eos_token_id": 3,
    },
    window=512,
)

pytestmark = pytest.mark.filterwarnings("ignore")  # of the reference library, about itself


def texts_of(lengths) -> list[str]:
    rng = np.random.default_rng(5)
    return [" ".join(rng.choice(WORDS, length - 2)) for length in lengths]  # beside two special tokens


def reference(folder: Path, texts: list[str]) -> np.ndarray:
    """[texts, labels]: one text at a time, no padding."""
    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
    with torch.inference_mode():
        logits = [model(**tokenizer(text, return_tensors="pt")).logits for text in texts]
    return torch.softmax(torch.cat(logits), dim=-1).numpy()


@pytest.mark.parametrize("engine", ["torch", "onnx"])
def test_local_windows_of_the_usual_width_hold_in_long_texts(tmp_path, settings_for, engine):
    folder = save_odd(tmp_path / "local", LOCAL)
    texts = texts_of([159, 200, 256, 257, 311, 400, 507, 12])
    settings = settings_for(folder, engine=engine, max_windows=1, cache_directory=str(tmp_path / "cache"))

    found = load_predictor(settings).predict(texts)

    assert [159, 200, 256, 257, 311, 400, 507, 12] == found.token_counts.tolist()
    assert pytest.approx(reference(folder, texts), abs=EXACT) == found.probabilities


def test_texts_of_the_test_above_are_answered_otherwise_without_local_windows(tmp_path):
    texts = texts_of([159, 507])
    local = reference(save_odd(tmp_path / "local", LOCAL), texts)

    anywhere = replace(LOCAL, config=LOCAL.config | {"global_attn_every_n_layers": 1})
    everywhere = reference(save_odd(tmp_path / "global", anywhere), texts)

    assert np.abs(local - everywhere).max() > 1000 * EXACT


@pytest.mark.parametrize("engine", ["torch", "onnx"])
def test_padding_stays_hidden_however_low_the_scores_of_a_text_are(tmp_path, settings_for, engine):
    bert = next(found for found in ARCHITECTURES if found.model_type == "bert")
    folder = save_odd(tmp_path / "sharp", bert)
    sharpen(folder)
    texts = texts_of([4, 5, 9, 14, 20, 7])
    settings = settings_for(folder, engine=engine, max_windows=1, cache_directory=str(tmp_path / "cache"))

    predictor = load_predictor(settings)
    together = predictor.predict(texts).probabilities

    assert pytest.approx(reference(folder, texts), abs=EXACT) == together


def sharpen(folder: Path) -> None:
    """Make queries so large that in some heads all scores of a text lie far below zero."""
    model = AutoModelForSequenceClassification.from_pretrained(folder)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name.endswith("query.weight"):
                weight.mul_(SHARP)
    model.save_pretrained(folder)
