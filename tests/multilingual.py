"""A tiny random XLM-RoBERTa on disk: Unigram pieces, padding id 1, positions after it, no token types."""

from pathlib import Path

import torch
from tokenizers import Tokenizer
from tokenizers.models import Unigram
from tokenizers.pre_tokenizers import Metaspace
from tokenizers.processors import TemplateProcessing
from transformers import PreTrainedTokenizerFast, XLMRobertaConfig, XLMRobertaModel

WINDOW = 16  # tokens; the model has two positions more, which no text can use
_SPECIALS = ("<s>", "<pad>", "</s>", "<unk>")
_PIECES = ("▁free", "▁prize", "▁gratis", "▁premio", "▁see", "▁you", "▁home", "▁casa", "免费", "奖品", "回家", "晚饭")


def save_xlm_roberta(folder: Path, *, dim: int = 16) -> Path:
    """Write the files that a download of such an encoder would have."""
    pieces = [(piece, 0.0) for piece in _SPECIALS]
    pieces += [(piece, -2.0) for piece in _PIECES]
    pieces += [(letter, -6.0) for letter in "▁abcdefghijklmnopqrstuvwxyz"]
    pieces += [("<mask>", 0.0)]  # the last one, as in the files of XLM-RoBERTa
    backend = Tokenizer(Unigram(pieces, unk_id=3))
    backend.pre_tokenizer = Metaspace()
    backend.post_processor = TemplateProcessing(single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)])
    PreTrainedTokenizerFast(
        tokenizer_object=backend,
        bos_token="<s>",
        cls_token="<s>",
        pad_token="<pad>",
        eos_token="</s>",
        sep_token="</s>",
        unk_token="<unk>",
        mask_token="<mask>",
        model_max_length=WINDOW,
    ).save_pretrained(folder)
    torch.manual_seed(7)
    config = XLMRobertaConfig(
        vocab_size=len(pieces),
        hidden_size=dim,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=2 * dim,
        max_position_embeddings=WINDOW + 2,
        type_vocab_size=1,
        initializer_range=0.5,
        pad_token_id=1,
        bos_token_id=0,
        eos_token_id=2,
    )
    XLMRobertaModel(config).save_pretrained(folder)
    return folder
