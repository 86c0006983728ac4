"""A folder of Hugging Face files is read as it says, or refused in words."""

import json

import pytest
import torch

from textsieve.worker.errors import ConfigurationError
from textsieve.worker.inference.networks.encoder import load_classifier, load_encoder

WINDOW = 24  # of the tiny models


def state_pooling(folder, *modes):
    (folder / "1_Pooling").mkdir()
    stated = {f"pooling_mode_{mode}": mode in modes for mode in ("mean_tokens", "cls_token", "max_tokens")}
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(stated), encoding="utf-8")


def test_the_window_is_the_models_own(encoder_folder):
    assert WINDOW == load_encoder(encoder_folder).max_tokens


def test_a_window_stated_for_sentences_is_kept(encoder_folder):
    (encoder_folder / "sentence_bert_config.json").write_text('{"max_seq_length": 12}', encoding="utf-8")

    assert 12 == load_encoder(encoder_folder).max_tokens


def test_a_shorter_window_may_be_set(encoder_folder):
    assert 9 == load_encoder(encoder_folder, max_tokens=9).max_tokens


def test_a_longer_window_than_the_models_is_refused(encoder_folder):
    with pytest.raises(ConfigurationError, match=f"model.max_tokens: expected at most {WINDOW}"):
        load_encoder(encoder_folder, max_tokens=WINDOW + 1)


def test_roberta_cannot_use_the_positions_below_its_padding_id(encoder_folder, edit_json):
    edit_json(encoder_folder / "tokenizer_config.json", model_max_length=int(1e30), pad_token="[UNK]")
    edit_json(encoder_folder / "config.json", model_type="roberta", architectures=["RobertaModel"], pad_token_id=1)

    assert WINDOW - 2 == load_encoder(encoder_folder).max_tokens


def test_pooling_is_the_mean_unless_the_model_says_otherwise(encoder_folder):
    assert "mean" == load_encoder(encoder_folder).pooling


@pytest.mark.parametrize(("mode", "expected"), [("mean_tokens", "mean"), ("cls_token", "cls")])
def test_stated_pooling_is_followed(encoder_folder, mode, expected):
    state_pooling(encoder_folder, mode)

    assert expected == load_encoder(encoder_folder).pooling


@pytest.mark.parametrize("modes", [("max_tokens",), ("mean_tokens", "cls_token")])
def test_pooling_that_is_not_offered_is_refused(encoder_folder, modes):
    state_pooling(encoder_folder, *modes)

    with pytest.raises(ConfigurationError, match="expected pooling by mean or cls"):
        load_encoder(encoder_folder)


def test_the_fingerprint_changes_with_pooling_window_and_weights(encoder_folder, classifier_folder):
    fingerprints = {
        load_encoder(encoder_folder).fingerprint,
        load_encoder(encoder_folder, pooling="cls").fingerprint,
        load_encoder(encoder_folder, max_tokens=9).fingerprint,
        load_encoder(classifier_folder).fingerprint,
    }

    assert 4 == len(fingerprints)


def test_the_fingerprint_of_the_same_files_is_the_same(encoder_folder):
    assert load_encoder(encoder_folder).fingerprint == load_encoder(encoder_folder).fingerprint


def test_weights_come_in_the_arithmetic_that_was_asked_for(encoder_folder):
    model = load_encoder(encoder_folder, dtype=torch.bfloat16).model

    assert {torch.bfloat16} == {parameter.dtype for parameter in model.parameters()}


def test_loading_prints_nothing(encoder_folder, capfd):
    load_encoder(encoder_folder)

    assert ("", "") == tuple(capfd.readouterr())


def test_an_encoder_is_no_classifier(encoder_folder):
    with pytest.raises(ConfigurationError, match=r"the architecture of a sequence classifier .*, got BertModel"):
        load_classifier(encoder_folder)


def test_a_classifier_without_the_weights_of_its_head_is_refused(encoder_folder, edit_json):
    edit_json(encoder_folder / "config.json", architectures=["BertForSequenceClassification"])

    with pytest.raises(ConfigurationError, match="random ones would stand in"):
        load_classifier(encoder_folder)


def test_an_empty_folder_is_no_model(tmp_path):
    with pytest.raises(ConfigurationError, match=r"config\.json, got none"):
        load_encoder(tmp_path)


def test_pickles_beside_the_config_are_not_loaded(encoder_folder):
    (encoder_folder / "model.safetensors").rename(encoder_folder / "pytorch_model.bin")

    with pytest.raises(ConfigurationError, match=r"got pytorch_model\.bin; only safetensors"):
        load_encoder(encoder_folder)


def test_broken_weights_are_a_configuration_error(encoder_folder):
    (encoder_folder / "model.safetensors").write_bytes(b"not a tensor in sight")

    with pytest.raises(ConfigurationError, match="expected a weights"):
        load_encoder(encoder_folder)


def test_a_broken_config_is_a_configuration_error(encoder_folder):
    (encoder_folder / "config.json").write_text("{", encoding="utf-8")

    with pytest.raises(ConfigurationError, match=r"expected a config\.json"):
        load_encoder(encoder_folder)


def test_a_missing_tokenizer_is_a_configuration_error(encoder_folder):
    for path in encoder_folder.glob("tokenizer*"):
        path.unlink()

    with pytest.raises(ConfigurationError, match=r"tokenizer\.json, got none"):
        load_encoder(encoder_folder)


def test_a_tokenizer_with_words_the_model_has_no_numbers_for_is_refused(encoder_folder, edit_json):
    content = json.loads((encoder_folder / "tokenizer.json").read_text(encoding="utf-8"))
    content["model"]["vocab"]["stranger"] = len(content["model"]["vocab"])
    edit_json(encoder_folder / "tokenizer.json", model=content["model"])

    with pytest.raises(ConfigurationError, match="expected a tokenizer of at most 19 tokens"):
        load_encoder(encoder_folder)


def test_a_broken_tokenizer_is_a_configuration_error(encoder_folder):
    (encoder_folder / "tokenizer.json").write_text("{", encoding="utf-8")

    with pytest.raises(ConfigurationError, match="expected a tokenizer"):
        load_encoder(encoder_folder)


def test_code_of_the_models_own_is_never_run(encoder_folder, edit_json):
    edit_json(encoder_folder / "config.json", model_type="theirs", auto_map={"AutoConfig": "theirs.Config"})
    (encoder_folder / "theirs.py").write_text("raise SystemExit('ran')", encoding="utf-8")

    with pytest.raises(ConfigurationError, match="without code of the model's own"):
        load_encoder(encoder_folder)
