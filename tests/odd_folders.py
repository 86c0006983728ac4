"""Tiny random folders of many architectures: as a hub has them, but small enough to be made in a blink."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing
from transformers import AutoConfig, AutoModel, AutoModelForSequenceClassification, PreTrainedTokenizerFast

Template = Literal["bert", "roberta", "xlnet", "llama", "gpt", "t5"]

WORDS = ("free", "prize", "win", "cash", "call", "now", "see", "you", "at", "home", "dinner", "late", "ok", "bus")
LABELS = {0: "ham", 1: "spam", 2: "other"}
SEED = 11
# special tokens in the order of their ids, and what stands around a text
_SPECIALS: dict[Template, tuple[str, ...]] = {
    "bert": ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"),
    "roberta": ("<s>", "<pad>", "</s>", "<unk>", "<mask>"),
    "xlnet": ("<unk>", "<s>", "</s>", "<cls>", "<sep>", "<pad>"),
    "llama": ("<unk>", "<s>", "</s>"),
    "gpt": ("<|endoftext|>", "<unk>"),
    "t5": ("<pad>", "</s>", "<unk>"),
}
_AROUND: dict[Template, tuple[str, str]] = {
    "bert": ("[CLS]", "[SEP]"),
    "roberta": ("<s>", "</s>"),
    "xlnet": ("", "<sep> <cls>"),
    "llama": ("<s>", ""),
    "gpt": ("", ""),
    "t5": ("", "</s>"),
}


@dataclass(frozen=True, slots=True)
class Architecture:
    """How to make a small one of its kind.

    Attributes:
        config: beside what all have.
        window: that its tokenizer states.
        extra_positions: rows of the position table that no text can use.
        without: what its configuration has no word for.
    """

    model_type: str
    template: Template = "bert"
    config: dict[str, Any] = field(default_factory=dict)
    window: int = 24
    extra_positions: int = 0
    without: tuple[str, ...] = ()


def common(arch: Architecture) -> dict[str, Any]:
    """What nearly every configuration knows, under all of its names."""
    specials = _SPECIALS[arch.template]
    size = len(specials) + len(WORDS)
    pad = next((index for index, token in enumerate(specials) if "pad" in token.lower()), None)
    ids = {"pad_token_id": pad}
    if arch.template in ("roberta", "llama", "xlnet", "t5"):
        ids |= {"eos_token_id": specials.index("</s>")}
    if "<s>" in specials:
        ids["bos_token_id"] = specials.index("<s>")
    told = {
        "vocab_size": size,
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 48,
        "max_position_embeddings": arch.window + arch.extra_positions,
        "initializer_range": 0.3,  # far apart: with the usual 0.02 they say nearly the same about every text
        **ids,
        **arch.config,
    }
    return {name: value for name, value in told.items() if name not in arch.without}


def save_tokenizer(folder: Path, template: Template, *, window: int) -> None:
    """A tokenizer of whole words."""
    specials = _SPECIALS[template]
    vocabulary = {word: index for index, word in enumerate((*specials, *WORDS))}
    unknown = next(token for token in specials if "unk" in token.lower())
    backend = Tokenizer(WordLevel(vocabulary, unk_token=unknown))
    backend.normalizer = BertNormalizer()
    backend.pre_tokenizer = Whitespace()
    before, after = _AROUND[template]
    used = [(token, vocabulary[token]) for token in (*before.split(), *after.split())]
    if used:
        backend.post_processor = TemplateProcessing(single=f"{before} $A {after}".strip(), special_tokens=used)
    pad = [token for token in specials if "pad" in token.lower()]
    PreTrainedTokenizerFast(
        tokenizer_object=backend, unk_token=unknown, model_max_length=window, **({"pad_token": pad[0]} if pad else {})
    ).save_pretrained(folder)


def save_odd(folder: Path, arch: Architecture, *, classifier: bool = True, **changes: Any) -> Path:
    """A random model of that architecture, the same each time."""
    torch.manual_seed(SEED)
    head = {"id2label": LABELS, "label2id": {label: index for index, label in LABELS.items()}} if classifier else {}
    config = AutoConfig.for_model(arch.model_type, **common(arch), **head, **changes)
    kind = AutoModelForSequenceClassification if classifier else AutoModel
    model = kind.from_config(config)
    _spread(model)
    model.save_pretrained(folder)
    save_tokenizer(folder, arch.template, window=arch.window)
    return folder


def _spread(model: torch.nn.Module) -> None:
    """Weights that start at 0 or 1 in every model would hide what reads them."""
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.std() == 0 or weight.numel() == 1:
                weight.add_(torch.randn_like(weight) * 0.1)
            elif "classifi" in name or "score" in name:
                weight.copy_(torch.randn_like(weight) * 0.3)


def edit_json(path: Path, **changes: Any) -> None:
    """Change fields of a file."""
    content = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    path.write_text(json.dumps(content | changes), encoding="utf-8")


_DEBERTA = {"relative_attention": True, "pos_att_type": ["p2c", "c2p"], "max_relative_positions": 8}
_LLAMA = {"num_key_value_heads": 1}
_GPT = {"eos_token_id": 0, "bos_token_id": 0}
_ENCODER_DECODER = {
    "d_model": 32, "encoder_layers": 2, "decoder_layers": 2, "encoder_attention_heads": 2, "init_std": 0.3,
    "decoder_attention_heads": 2, "encoder_ffn_dim": 48, "decoder_ffn_dim": 48, "decoder_start_token_id": 2,
    "forced_eos_token_id": None,
}  # fmt: skip

ARCHITECTURES = (
    Architecture("albert", config={"embedding_size": 16}),
    Architecture("bart", "roberta", _ENCODER_DECODER),
    Architecture("bert"),
    Architecture("big_bird", config={"attention_type": "original_full"}),
    Architecture("biogpt", "roberta"),
    Architecture("bloom", "roberta", {"n_layer": 2, "n_head": 2}),
    Architecture("camembert", "roberta", extra_positions=2),
    Architecture("convbert", config={"embedding_size": 32, "head_ratio": 1, "conv_kernel_size": 3}),
    Architecture("data2vec-text", "roberta", extra_positions=2),
    Architecture("deberta", config=_DEBERTA),
    Architecture("deberta-v2", config=_DEBERTA | {"position_buckets": 4, "share_att_key": True}),
    Architecture("distilbert", config={"dim": 32, "n_layers": 2, "n_heads": 2, "hidden_dim": 48}),
    Architecture("electra", config={"embedding_size": 16}),
    Architecture("ernie"),
    Architecture("esm", config={"position_embedding_type": "rotary", "token_dropout": False}),
    Architecture("flaubert", config={"emb_dim": 32, "n_layers": 2, "n_heads": 2, "use_lang_emb": False}),
    Architecture("fnet", config={"use_tpu_fourier_optimizations": False}),
    Architecture(
        "funnel",
        config={
            "d_model": 32,
            "block_sizes": [1, 1],
            "n_head": 2,
            "d_head": 16,
            "d_inner": 48,
            "num_decoder_layers": 1,
        },
        without=("num_hidden_layers",),
    ),
    Architecture(
        "gemma3_text",
        "llama",
        _LLAMA | {"head_dim": 16, "sliding_window": 6, "layer_types": ["sliding_attention", "full_attention"]},
    ),
    Architecture("gpt2", "gpt", {"n_embd": 32, "n_layer": 2, "n_head": 2, "n_positions": 24} | _GPT),
    Architecture("gpt_neox", "gpt", _GPT),
    Architecture("ibert", "roberta", {"quant_mode": False}, extra_positions=2),
    Architecture("layoutlm"),
    Architecture("llama", "llama", _LLAMA),
    Architecture("longformer", "roberta", {"attention_window": [4, 4]}, window=22, extra_positions=2),
    Architecture("luke", "roberta", {"entity_vocab_size": 4, "entity_emb_size": 8}, extra_positions=2),
    Architecture("megatron-bert"),
    Architecture("mistral", "llama", _LLAMA | {"sliding_window": 6}),
    Architecture(
        "mobilebert",
        config={
            "embedding_size": 16,
            "intra_bottleneck_size": 16,
            "true_hidden_size": 16,
            "num_feedforward_networks": 1,
        },
    ),
    Architecture(
        "modernbert",
        config={
            "local_attention": 6,
            "global_attn_every_n_layers": 2,
            "cls_token_id": 2,
            "sep_token_id": 3,
            "bos_token_id": 2,
            "eos_token_id": 3,
        },
        window=64,
    ),
    Architecture("mpnet", "roberta", extra_positions=2),
    Architecture("nystromformer", config={"num_landmarks": 24, "segment_means_seq_len": 24}),
    Architecture("opt", "roberta", {"ffn_dim": 48, "word_embed_proj_dim": 32}),
    Architecture("qwen2", "llama", _LLAMA),
    Architecture("rembert", config={"input_embedding_size": 16, "output_embedding_size": 16}),
    Architecture("roberta", "roberta", extra_positions=2),
    Architecture("roberta-prelayernorm", "roberta", extra_positions=2),
    Architecture("roformer", config={"embedding_size": 16}),
    Architecture(
        "squeezebert",
        config={
            "embedding_size": 32,
            "q_groups": 2,
            "k_groups": 2,
            "v_groups": 2,
            "post_attention_groups": 1,
            "intermediate_groups": 2,
            "output_groups": 2,
        },
    ),
    Architecture(
        "t5",
        "t5",
        {"d_model": 32, "d_kv": 16, "d_ff": 48, "num_layers": 2, "num_heads": 2, "decoder_start_token_id": 0},
    ),
    Architecture("xlm-roberta", "roberta", extra_positions=2),
    Architecture(
        "xlnet",
        "xlnet",
        {"d_model": 32, "n_layer": 2, "n_head": 2, "d_inner": 48},
        without=("max_position_embeddings",),
    ),
    Architecture("xmod", "roberta", {"languages": ["en_XX"], "default_language": "en_XX"}, extra_positions=2),
    Architecture("yoso", config={"use_expectation": True}),
)
