"""What transformers would build otherwise than it was trained is refused."""

import pytest
import torch
from safetensors.torch import load_file, save_file

from textsieve.worker.errors import ConfigurationError
from textsieve.worker.inference.networks.encoder import load_classifier, load_encoder


def add_weight(folder, name):
    path = folder / "model.safetensors"
    save_file(load_file(path) | {name: torch.ones(2, 2)}, path, metadata={"format": "pt"})


@pytest.mark.parametrize(
    "name",
    [
        "encoder.layer.0.attention.self.query.lora_A.weight",
        "encoder.layer.0.attention.self.distance_embedding.weight",
        "encoder.layer.0.output.adapter.down.weight",
        "embeddings.word_embeddings.scale",
    ],
)
def test_weights_that_the_network_has_no_place_for_are_refused(encoder_folder, name):
    add_weight(encoder_folder, name)

    with pytest.raises(ConfigurationError, match=r"weights that BertModel .* has a place for, got 1 that it has not"):
        load_encoder(encoder_folder)


def test_weights_of_a_head_beside_an_encoder_are_left_out(encoder_folder):
    before = load_encoder(encoder_folder).model.state_dict()
    add_weight(encoder_folder, "cls.predictions.transform.dense.weight")

    assert before.keys() == load_encoder(encoder_folder).model.state_dict().keys()


def test_code_of_its_own_is_named(encoder_folder, edit_json):
    edit_json(
        encoder_folder / "config.json",
        architectures=["TheirBertModel"],
        auto_map={"AutoModel": "theirs.TheirBertModel"},
    )

    with pytest.raises(ConfigurationError, match="got TheirBertModel, which comes with code of its own"):
        load_encoder(encoder_folder)


def test_an_adapter_beside_a_model_is_refused(classifier_folder):
    (classifier_folder / "adapter_config.json").write_text('{"task_type": "SEQ_CLS"}', encoding="utf-8")

    with pytest.raises(ConfigurationError, match=r"an adapter beside it.*remove the file if .* else merge it with"):
        load_classifier(classifier_folder)


def test_quantised_weights_are_refused(classifier_folder, edit_json):
    edit_json(classifier_folder / "config.json", quantization_config={"quant_method": "gptq", "bits": 4})

    with pytest.raises(ConfigurationError, match="got a quantization_config"):
        load_classifier(classifier_folder)


def test_a_pooler_without_weights_is_no_random_one(encoder_folder):
    path = encoder_folder / "model.safetensors"
    kept = {name: tensor for name, tensor in load_file(path).items() if not name.startswith("pooler.")}
    save_file(kept, path, metadata={"format": "pt"})

    loaded = [load_encoder(encoder_folder).model.state_dict() for _ in range(2)]

    assert all(torch.equal(loaded[0][name], loaded[1][name]) for name in loaded[0])
    assert not any(name.startswith("pooler.") for name in loaded[0])


@pytest.mark.parametrize("harm", ["overwritten", "truncated"])
def test_what_happens_to_the_file_afterwards_changes_nothing(encoder_folder, harm):
    path = encoder_folder / "model.safetensors"
    model = load_encoder(encoder_folder).model.eval()
    ids = torch.tensor([[2, 5, 6, 3]])
    with torch.inference_mode():
        before = model(input_ids=ids).last_hidden_state
        path.write_bytes(bytes(path.stat().st_size) if harm == "overwritten" else b"")
        after = model(input_ids=ids).last_hidden_state

    assert torch.equal(before, after)
