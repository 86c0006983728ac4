"""A packed encoder becomes a folder that any library reads, with the same numbers and the same tokens."""

import numpy as np
import pytest
import torch
import transformers
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from tests.packed import HIDDEN, PIECES, POSITIONS, save_packed
from textsieve.worker.inference.loading import load_embedder
from textsieve.worker.inference.model_folder.model_files import file_sha256
from textsieve.worker.inference.multilingual.conversion import write_folder
from textsieve.worker.inference.multilingual.packed import read_packed


@pytest.fixture
def packed(tmp_path):
    path = tmp_path / "encoder.bin"
    return path, save_packed(path)


def unpacked(path, folder):
    folder.mkdir()
    write_folder(read_packed(path), folder)
    return folder


@pytest.fixture
def folder(tmp_path, packed):
    return unpacked(packed[0], tmp_path / "unpacked")


def ids(folder, text):
    return Tokenizer.from_file(str(folder / "tokenizer.json")).encode(text).ids


def test_the_weights_are_those_of_the_packed_file(packed, folder):
    exact, tensors = packed[1], load_file(folder / "model.safetensors")

    layer = "encoder.layer.0"
    pairs = {
        "embeddings.word_embeddings.weight": "emb.word",
        "embeddings.token_type_embeddings.weight": "emb.type",
        "embeddings.LayerNorm.bias": "emb.ln.b",
        f"{layer}.attention.self.value.weight": "l0.v.w",
        f"{layer}.attention.output.LayerNorm.weight": "l0.aln.w",
        f"{layer}.intermediate.dense.weight": "l0.fi.w",
        f"{layer}.output.dense.weight": "l0.fo.w",
        f"{layer}.output.dense.bias": "l0.fo.b",
    }

    assert all(np.array_equal(exact[short], tensors[long]) for long, short in pairs.items())


def test_no_weight_is_left_to_chance(folder):
    _, report = transformers.AutoModel.from_pretrained(folder, output_loading_info=True)

    assert [] == [*report["missing_keys"], *report["unexpected_keys"], *report["mismatched_keys"]]


def test_it_is_byte_for_byte_the_same_each_time(tmp_path, packed, folder):
    again = unpacked(packed[0], tmp_path / "again")

    hashes = [
        {path.relative_to(one): file_sha256(path) for path in one.rglob("*") if path.is_file()}
        for one in (folder, again)
    ]

    assert hashes[0] == hashes[1]
    assert 8 == len(hashes[0])


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("free prize", ["▁free", "▁prize"]),
        ("  free \t\u200b prize ", ["▁free", "▁prize"]),  # white space around and between says nothing
        ("①a\x07a", ["▁", "1", "a", "a"]),
        ("e\u0301é", ["▁", "é", "é"]),
        ("免费", ["▁", "免", "费"]),
        ("xyz a", ["▁", "<unk>", "▁", "a"]),  # unknown characters in a row are one piece
        ("", []),
    ],
)
def test_texts_are_cut_into_the_pieces_of_the_vocabulary(folder, text, pieces):
    assert ["<s>", *pieces, "</s>"] == [PIECES[number] for number in ids(folder, text)]


def test_other_libraries_read_the_same_tokenizer(folder):
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)

    assert ids(folder, "free 免费 a") == tokenizer("free 免费 a")["input_ids"]
    assert (1, POSITIONS) == (tokenizer.pad_token_id, tokenizer.model_max_length)


def test_the_worker_embeds_by_the_mean_of_all_tokens(folder, settings_for):
    embedder, encoder = load_embedder(settings_for(folder))

    with torch.no_grad():
        model = transformers.AutoModel.from_pretrained(folder)
        mean = model(torch.tensor([ids(folder, "free 免费")])).last_hidden_state[0].mean(dim=0).numpy()
    expected = mean / np.linalg.norm(mean)

    assert np.allclose(expected, embedder.predict(["free 免费"]).embeddings[0], atol=1e-6)
    assert (HIDDEN, POSITIONS, "mean") == (encoder.dim, encoder.max_tokens, encoder.pooling)


@pytest.mark.parametrize("damage", [b"E5S2", b"", b"PK\x03\x04" + bytes(100)])
def test_another_file_is_not_unpacked(tmp_path, damage):
    path = tmp_path / "other.bin"
    path.write_bytes(damage)

    with pytest.raises(ValueError, match="expected a packed encoder"):
        read_packed(path)
