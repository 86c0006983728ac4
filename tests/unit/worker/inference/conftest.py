"""Tiny random models on disk, so that the real loading code runs without a download."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import TemplateProcessing
from transformers import BertConfig, BertForSequenceClassification, BertModel, PreTrainedTokenizerFast

from worker.inference.bundle import EncoderReference, Manifest, TrainingData, write_bundle
from worker.inference.sources import weights_sha256
from worker.settings import ModelSettings

WORDS = ("free", "prize", "call", "now", "see", "you", "at", "home", "dinner", "win", "cash", "ok", "late", "bus")
DIM = 32
WINDOW = 24


def config(**changes):
    return BertConfig(
        vocab_size=5 + len(WORDS),
        hidden_size=DIM,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=WINDOW,
        initializer_range=0.5,  # far apart: tiny models with the usual 0.02 say nearly the same about every text
        **changes,
    )


def save_tokenizer(folder: Path) -> None:
    specials = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
    vocabulary = {word: index for index, word in enumerate((*specials, *WORDS))}
    backend = Tokenizer(WordPiece(vocabulary, unk_token="[UNK]"))
    backend.normalizer = BertNormalizer()
    backend.pre_tokenizer = BertPreTokenizer()
    backend.post_processor = TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        model_max_length=WINDOW,
    )
    tokenizer.save_pretrained(folder)


def save_classifier(folder: Path, **changes) -> Path:
    torch.manual_seed(7)
    BertForSequenceClassification(config(**changes)).save_pretrained(folder)
    save_tokenizer(folder)
    return folder


@pytest.fixture(autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def encoder_folder(tmp_path) -> Path:
    folder = tmp_path / "tiny-encoder"
    torch.manual_seed(7)
    BertModel(config()).save_pretrained(folder)
    save_tokenizer(folder)
    return folder


@pytest.fixture
def classifier_folder(tmp_path) -> Path:
    return save_classifier(
        tmp_path / "tiny-classifier", id2label={0: "ham", 1: "spam", 2: "other"}, label2id={"ham": 0, "spam": 1}
    )


@pytest.fixture
def manifest(encoder_folder) -> Manifest:
    return Manifest(
        name="tiny",
        version="2026-11-23.1",
        labels=("ham", "spam", "other"),
        multi_label=False,
        pooling="mean",
        max_tokens=16,
        thresholds={},
        metrics={},
        data=TrainingData(name="none", sha256="0" * 64, citation="", licence="", rows=0, used_rows=0),
        encoder=EncoderReference(source="files", sha256=weights_sha256(encoder_folder)),
        created="2026-11-23T00:00:00+00:00",
    )


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
