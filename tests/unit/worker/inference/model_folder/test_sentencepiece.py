"""Folders with a SentencePiece model alone cut texts as SentencePiece does, or say what to install."""

import io
import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sentencepiece
from transformers import AutoTokenizer

from tests.tiny_models import WORDS
from textsieve.worker.inference.model_folder.tokenizer_files import read_tokenizer

TEXTS = ["Free prize now", "win cash zzz \u00e9", "ok", "see you at home, late", ""]

pytestmark = pytest.mark.filterwarnings("ignore")  # of the reference library, about itself


@dataclass(frozen=True, slots=True)
class Kind:
    """How an architecture has its SentencePiece model.

    Attributes:
        options: of its training.
        offset: how much higher a token's id is in the network's vocabulary.
        unknown: id of what is in no vocabulary, in the network's.
    """

    file: str
    model_type: str
    tokenizer_class: str
    options: dict[str, Any]
    unknown: int
    offset: int = 0
    told: dict[str, Any] = field(default_factory=dict)


KINDS = [
    Kind("spiece.model", "t5", "T5Tokenizer", {"pad_id": 0, "eos_id": 1, "unk_id": 2, "bos_id": -1}, 2),
    Kind("sentencepiece.bpe.model", "xlm-roberta", "XLMRobertaTokenizer", {}, 3, offset=1),
    Kind(
        "spm.model",
        "deberta-v2",
        "DebertaV2Tokenizer",
        {"pad_id": 0, "bos_id": 1, "eos_id": 2, "unk_id": 3, "pad_piece": "[PAD]", "bos_piece": "[CLS]"}
        | {"eos_piece": "[SEP]", "unk_piece": "[UNK]"},
        3,
    ),
    Kind(
        "tokenizer.model", "llama", "LlamaTokenizer", {"model_type": "bpe", "byte_fallback": True, "vocab_size": 320}, 0
    ),
]


def save(folder: Path, kind: Kind) -> sentencepiece.SentencePieceProcessor:
    rng = np.random.default_rng(3)
    sentences = [" ".join(rng.choice(WORDS, 6)) for _ in range(400)]
    written = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(sentences),
        model_writer=written,
        hard_vocab_limit=False,
        minloglevel=2,
        **{"vocab_size": 40, "model_type": "unigram", **kind.options},
    )
    folder.mkdir()
    (folder / kind.file).write_bytes(written.getvalue())
    (folder / "config.json").write_text(json.dumps({"model_type": kind.model_type}), encoding="utf-8")
    told = json.dumps({"tokenizer_class": kind.tokenizer_class} | kind.told)
    (folder / "tokenizer_config.json").write_text(told, encoding="utf-8")
    return sentencepiece.SentencePieceProcessor(model_proto=written.getvalue())


@pytest.mark.parametrize("kind", [pytest.param(kind, id=kind.model_type) for kind in KINDS])
def test_texts_are_cut_as_sentencepiece_cuts_them(tmp_path, kind):
    own = save(tmp_path / "pieces", kind)

    backend = read_tokenizer(tmp_path / "pieces", lower_case=False).backend

    expected = [
        [kind.unknown if piece == own.unk_id() else piece + kind.offset for piece in own.encode(text)] for text in TEXTS
    ]
    assert expected == [backend.encode(text, add_special_tokens=False).ids for text in TEXTS]


@pytest.mark.parametrize("kind", [pytest.param(kind, id=kind.model_type) for kind in KINDS])
def test_special_tokens_stand_where_the_reference_has_them(tmp_path, kind):
    save(tmp_path / "pieces", kind)

    backend = read_tokenizer(tmp_path / "pieces", lower_case=False).backend

    expected = AutoTokenizer.from_pretrained(tmp_path / "pieces")(TEXTS)["input_ids"]
    assert expected == [backend.encode(text).ids for text in TEXTS]


@pytest.mark.parametrize("missing", ["transformers", "sentencepiece"])
def test_what_converts_them_is_named_where_it_is_missing(tmp_path, missing):
    save(tmp_path / "pieces", KINDS[0])
    program = (
        "import sys; from pathlib import Path; sys.modules[sys.argv[2]] = None\n"
        "from textsieve.worker.errors import ConfigurationError\n"
        "from textsieve.worker.inference.model_folder.tokenizer_files import read_tokenizer\n"
        "try: read_tokenizer(Path(sys.argv[1]), lower_case=False)\n"
        "except ConfigurationError as error: print(error)"
    )

    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program, tmp_path / "pieces", missing],
        capture_output=True,
        text=True,
        check=True,
    )

    assert "`pip install transformers sentencepiece protobuf tiktoken`" in done.stdout
    assert f"T.from_pretrained('{tmp_path / 'pieces'}').save_pretrained('{tmp_path / 'pieces'}')" in done.stdout
