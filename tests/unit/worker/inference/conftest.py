"""Tiny random models on disk, so that the real loading code runs without a download."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import BertForSequenceClassification

from tests.tiny_models import save_model, tiny_config, tiny_manifest
from textsieve.worker.inference.bundle.manifest import Manifest
from textsieve.worker.inference.bundle.writing import write_bundle
from textsieve.worker.settings import ModelSettings

DIM = 32


def save_classifier(folder: Path, **changes) -> Path:
    return save_model(folder, tiny_config(**changes), BertForSequenceClassification)


@pytest.fixture(autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def encoder_folder(tmp_path) -> Path:
    return save_model(tmp_path / "tiny-encoder", tiny_config())


@pytest.fixture
def classifier_folder(tmp_path) -> Path:
    return save_classifier(
        tmp_path / "tiny-classifier", id2label={0: "ham", 1: "spam", 2: "other"}, label2id={"ham": 0, "spam": 1}
    )


@pytest.fixture
def manifest(encoder_folder) -> Manifest:
    return tiny_manifest(encoder_folder, ("ham", "spam", "other"))


@pytest.fixture
def head():
    rng = np.random.default_rng(7)
    return rng.normal(size=(3, DIM)).astype(np.float32), rng.normal(size=3).astype(np.float32)


@pytest.fixture
def bundle_folder(tmp_path, manifest, head, encoder_folder) -> Path:
    folder = tmp_path / "tiny-bundle"
    weight, bias = head
    write_bundle(folder, manifest=manifest, weight=weight, bias=bias, encoder_folder=encoder_folder)
    return folder


@pytest.fixture
def settings_for():
    def settings(path, **changes) -> ModelSettings:
        plain = {"engine": "torch", "precision": "fp32", "max_batch_tokens": 2048}  # nothing is calibrated
        return ModelSettings(**{"path": str(path), "device": "cpu", **plain, **changes})

    return settings


@pytest.fixture
def edit_json():
    def edit(path: Path, **changes) -> None:
        content = json.loads(path.read_text(encoding="utf-8"))
        path.write_text(json.dumps(content | changes), encoding="utf-8")

    return edit
