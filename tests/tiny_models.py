"""Tiny random models on disk, so that the real loading and training code runs without a download."""

from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import TemplateProcessing
from transformers import BertConfig, BertModel, PreTrainedModel, PreTrainedTokenizerFast

from textsieve.worker.inference.bundle.manifest import EncoderReference, Manifest, TrainingData
from textsieve.worker.inference.model_folder.model_files import weights_sha256

WORDS = ("free", "prize", "win", "cash", "call", "now", "see", "you", "at", "home", "dinner", "late", "ok", "bus")
SPECIALS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
SEED = 7


def tiny_config(**changes: Any) -> BertConfig:
    """Two layers of 32 numbers and a window of 24 tokens, unless changed."""
    return BertConfig(
        vocab_size=len(SPECIALS) + len(WORDS),
        **{
            "hidden_size": 32,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "intermediate_size": 64,
            "max_position_embeddings": 24,
            "initializer_range": 0.5,  # far apart: with the usual 0.02 they say nearly the same about every text
            **changes,
        },
    )


def save_model(folder: Path, config: BertConfig, kind: type[PreTrainedModel] = BertModel) -> Path:
    """A random model of that kind, the same each time, with a tokenizer of WORDS."""
    torch.manual_seed(SEED)
    kind(config).save_pretrained(folder)
    vocabulary = {word: index for index, word in enumerate((*SPECIALS, *WORDS))}
    backend = Tokenizer(WordPiece(vocabulary, unk_token="[UNK]"))
    backend.normalizer = BertNormalizer()
    backend.pre_tokenizer = BertPreTokenizer()
    backend.post_processor = TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    PreTrainedTokenizerFast(
        tokenizer_object=backend,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        model_max_length=config.max_position_embeddings,
    ).save_pretrained(folder)
    return folder


def tiny_manifest(encoder_folder: Path, labels: tuple[str, ...], **changes: Any) -> Manifest:
    """Of a bundle over that encoder."""
    return Manifest(
        **{
            "name": "tiny",
            "version": "2026-11-23.1",
            "labels": labels,
            "multi_label": False,
            "pooling": "mean",
            "max_tokens": 16,
            "thresholds": {},
            "metrics": {},
            "data": TrainingData(name="none", sha256="0" * 64, citation="", licence="", rows=0, used_rows=0),
            "encoder": EncoderReference(source="files", sha256=weights_sha256(encoder_folder)),
            "created": "2026-11-23T00:00:00+00:00",
            **changes,
        }
    )
