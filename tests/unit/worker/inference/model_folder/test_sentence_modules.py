"""Folders of sentence-transformers embed as that library does, or are refused by the name of what is not offered."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from sentence_transformers import SentenceTransformer

from textsieve.worker.errors import ConfigurationError
from textsieve.worker.inference.bundle.writing import write_bundle
from textsieve.worker.inference.loading import load_embedder, load_predictor
from textsieve.worker.inference.model_folder.sentence_modules import read_sentence_modules

TEXTS = ["free prize call now", "ok", "See You at home", "win cash " * 20]
TRANSFORMER, POOLING, DENSE, NORMALIZE = (
    f"sentence_transformers.models.{name}" for name in ("Transformer", "Pooling", "Dense", "Normalize")
)

pytestmark = pytest.mark.filterwarnings("ignore")  # of the reference library, about itself


def write_json(path: Path, content) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")


def list_modules(folder: Path, *modules: tuple[str, str]) -> None:
    listed = [
        {"idx": index, "name": str(index), "path": path, "type": kind} for index, (path, kind) in enumerate(modules)
    ]
    write_json(folder / "modules.json", listed)


def add_dense(folder: Path, *, inputs: int = 32, outputs: int = 12, activation: str = "activation.Tanh") -> None:
    stated = {"in_features": inputs, "out_features": outputs, "bias": True}
    write_json(folder / "config.json", stated | {"activation_function": f"torch.nn.modules.{activation}"})
    torch.manual_seed(3)
    weights = {"linear.weight": torch.randn(outputs, inputs), "linear.bias": torch.randn(outputs)}
    save_file(weights, folder / "model.safetensors")


def pooled_by(folder: Path, **stated) -> None:
    write_json(folder / "config.json", {"word_embedding_dimension": 32} | stated)


def reference(folder: Path) -> np.ndarray:
    embedded = SentenceTransformer(str(folder), device="cpu").encode(TEXTS, normalize_embeddings=True)
    return np.asarray(embedded)


def ours(folder: Path, settings_for) -> np.ndarray:
    embedder, _ = load_embedder(settings_for(folder, max_windows=1))
    return embedder.predict(TEXTS).embeddings


@pytest.mark.parametrize(
    "stated",
    [
        {"pooling_mode_mean_tokens": True},
        {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False},
        {"pooling_mode_mean_sqrt_len_tokens": True, "pooling_mode_mean_tokens": False},
        {"pooling_mode": "cls"},
        {"pooling_mode": ["mean"]},
    ],
)
def test_every_spelling_of_a_pooling_gives_its_embeddings(encoder_folder, settings_for, stated):
    list_modules(encoder_folder, ("", TRANSFORMER), ("pooled", POOLING), ("2_Normalize", NORMALIZE))
    pooled_by(encoder_folder / "pooled", **stated)

    assert pytest.approx(reference(encoder_folder), abs=1e-5) == ours(encoder_folder, settings_for)


@pytest.mark.parametrize("activation", ["activation.Tanh", "linear.Identity", "activation.GELU"])
def test_dense_layers_behind_the_pooling_are_applied(encoder_folder, settings_for, activation):
    list_modules(
        encoder_folder, ("", TRANSFORMER), ("1_Pooling", POOLING), ("2_Dense", DENSE), ("3_Normalize", NORMALIZE)
    )
    pooled_by(encoder_folder / "1_Pooling", pooling_mode_cls_token=True)
    (encoder_folder / "2_Dense").mkdir()
    add_dense(encoder_folder / "2_Dense", activation=activation)

    assert pytest.approx(reference(encoder_folder), abs=1e-5) == ours(encoder_folder, settings_for)


def test_texts_are_lower_cased_where_the_folder_says_so(encoder_folder, settings_for, edit_json):
    edit_json(encoder_folder / "tokenizer.json", normalizer=None)
    list_modules(encoder_folder, ("", TRANSFORMER), ("1_Pooling", POOLING))
    pooled_by(encoder_folder / "1_Pooling", pooling_mode_mean_tokens=True)
    as_it_is = ours(encoder_folder, settings_for)
    write_json(encoder_folder / "sentence_bert_config.json", {"max_seq_length": 24, "do_lower_case": True})

    found = ours(encoder_folder, settings_for)

    assert pytest.approx(reference(encoder_folder), abs=1e-5) == found
    assert np.abs(found - as_it_is).max() > 0.01


def test_a_network_in_a_folder_of_its_own_is_found(tmp_path, encoder_folder, settings_for):
    outer = tmp_path / "sentences"
    outer.mkdir()
    encoder_folder.rename(outer / "0_Transformer")
    list_modules(outer, ("0_Transformer", TRANSFORMER), ("1_Pooling", POOLING))
    pooled_by(outer / "1_Pooling", pooling_mode_mean_tokens=True)

    assert pytest.approx(reference(outer), abs=1e-5) == ours(outer, settings_for)


def test_the_prompt_that_the_folder_names_is_put_before_texts(encoder_folder, settings_for):
    stated = {"prompts": {"query": "win "}, "default_prompt_name": "query", "__version__": {}}
    write_json(encoder_folder / "config_sentence_transformers.json", stated)
    list_modules(encoder_folder, ("", TRANSFORMER), ("1_Pooling", POOLING))
    pooled_by(encoder_folder / "1_Pooling", pooling_mode_mean_tokens=True)

    assert pytest.approx(reference(encoder_folder), abs=1e-5) == ours(encoder_folder, settings_for)


def test_a_bundle_over_dense_layers_brings_them_along(tmp_path, encoder_folder, manifest, settings_for):
    list_modules(encoder_folder, ("", TRANSFORMER), ("1_Pooling", POOLING), ("2_Dense", DENSE))
    pooled_by(encoder_folder / "1_Pooling", pooling_mode_mean_tokens=True)
    (encoder_folder / "2_Dense").mkdir()
    add_dense(encoder_folder / "2_Dense")
    head = np.ones((3, 12), np.float32), np.zeros(3, np.float32)
    folder = tmp_path / "dense-bundle"

    written = write_bundle(folder, manifest=manifest, weight=head[0], bias=head[1], encoder_folder=encoder_folder)

    predictor = load_predictor(settings_for(folder, max_tokens=24, max_windows=1))
    assert 4 == written.format
    assert pytest.approx(reference(encoder_folder), abs=1e-5) == predictor.predict(TEXTS).embeddings


@pytest.mark.parametrize("name", ["LayerNorm", "WeightedLayerPooling", "CNN", "LSTM", "SpladePooling"])
def test_other_modules_are_refused_by_name(encoder_folder, name):
    list_modules(
        encoder_folder, ("", TRANSFORMER), ("1_Pooling", POOLING), ("2_Other", f"sentence_transformers.models.{name}")
    )

    with pytest.raises(ConfigurationError, match=f"got Transformer, Pooling, {name}"):
        read_sentence_modules(encoder_folder)


@pytest.mark.parametrize("modules", [(NORMALIZE, DENSE), (DENSE, NORMALIZE, DENSE)], ids=["before", "between"])
def test_a_division_by_length_before_a_dense_layer_is_refused(encoder_folder, modules):
    list_modules(
        encoder_folder,
        ("", TRANSFORMER),
        ("1_Pooling", POOLING),
        *((f"{index}_x", kind) for index, kind in enumerate(modules)),
    )

    with pytest.raises(ConfigurationError, match="expected the modules Transformer, Pooling"):
        read_sentence_modules(encoder_folder)


@pytest.mark.parametrize(
    ("stated", "words"),
    [({"use_residual": True}, "use_residual"), ({"activation_function": "theirs.Swish"}, "got theirs.Swish")],
)
def test_dense_layers_that_are_not_offered_are_refused(encoder_folder, edit_json, stated, words):
    list_modules(encoder_folder, ("", TRANSFORMER), ("1_Pooling", POOLING), ("2_Dense", DENSE))
    (encoder_folder / "2_Dense").mkdir()
    add_dense(encoder_folder / "2_Dense")
    edit_json(encoder_folder / "2_Dense" / "config.json", **stated)

    with pytest.raises(ConfigurationError, match=words):
        read_sentence_modules(encoder_folder)


def test_modules_with_code_of_their_own_are_refused(encoder_folder):
    list_modules(encoder_folder, ("", TRANSFORMER), ("1_Pooling", "theirs.Pooling"))

    with pytest.raises(ConfigurationError, match=r"got theirs\.Pooling; code of a model's own is never run"):
        read_sentence_modules(encoder_folder)
