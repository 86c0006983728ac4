"""A folder is read as its files say, without torch."""

import json
import subprocess
import sys

import pytest

from textsieve.worker.errors import ConfigurationError
from textsieve.worker.inference.model_folder.folder import ReadOptions
from textsieve.worker.inference.model_folder.model_files import package_folder
from textsieve.worker.inference.model_folder.reading import read_classifier_folder, read_encoder_folder


def test_a_folder_is_read_without_torch_and_transformers(classifier_folder):
    program = (
        "import sys; from pathlib import Path\n"
        "from textsieve.worker.inference.model_folder.folder import ReadOptions\n"
        "from textsieve.worker.inference.model_folder.reading import read_classifier_folder\n"
        "folder = read_classifier_folder(Path(sys.argv[1]), ReadOptions())\n"
        "print(folder.head.labels, [name for name in ('torch', 'transformers') if name in sys.modules])"
    )

    done = subprocess.run(
        [sys.executable, "-c", program, classifier_folder], capture_output=True, text=True, check=True
    )

    assert "('ham', 'spam', 'other') []" == done.stdout.strip()


def test_spaces_of_the_default_encoder_are_those_of_before():
    assert "5668f8d8aea0aada" == read_encoder_folder(package_folder(), ReadOptions()).fingerprint


@pytest.mark.parametrize(
    ("file", "changes"),
    [
        ("config.json", {"hidden_act": "relu"}),
        ("config.json", {"layer_norm_eps": 1e-3}),
        ("tokenizer.json", {"normalizer": None}),
        ("tokenizer_config.json", {"truncation_side": "left"}),
        ("sentence_bert_config.json", {"do_lower_case": True}),
    ],
)
def test_whatever_changes_embeddings_changes_the_fingerprint(encoder_folder, edit_json, file, changes):
    before = read_encoder_folder(encoder_folder, ReadOptions()).fingerprint
    if not (encoder_folder / file).is_file():
        (encoder_folder / file).write_text("{}", encoding="utf-8")
    edit_json(encoder_folder / file, **changes)

    assert before != read_encoder_folder(encoder_folder, ReadOptions()).fingerprint


@pytest.mark.parametrize("changes", [{"id2label": {"0": "a", "1": "b"}}, {"transformers_version": "4.0"}])
def test_labels_and_the_version_of_who_saved_it_keep_the_fingerprint(encoder_folder, edit_json, changes):
    before = read_encoder_folder(encoder_folder, ReadOptions()).fingerprint
    edit_json(encoder_folder / "config.json", **changes)

    assert before == read_encoder_folder(encoder_folder, ReadOptions()).fingerprint


@pytest.mark.parametrize(
    "changes", [{"id2label": {"0": "ham", "1": "eggs", "2": "x"}}, {"problem_type": "multi_label_classification"}]
)
def test_other_labels_are_another_version_of_a_classifier(classifier_folder, edit_json, changes):
    before = read_classifier_folder(classifier_folder, ReadOptions()).version
    edit_json(classifier_folder / "config.json", **changes)

    assert before != read_classifier_folder(classifier_folder, ReadOptions()).version


def test_a_padding_token_that_only_the_tokenizer_names_is_another_version(classifier_folder, edit_json):
    edit_json(classifier_folder / "config.json", pad_token_id=None)
    named = []
    for token in ("[PAD]", "[MASK]"):
        edit_json(classifier_folder / "tokenizer_config.json", pad_token=token)
        named.append(read_classifier_folder(classifier_folder, ReadOptions()))

    assert named[0].pad_id != named[1].pad_id
    assert named[0].version != named[1].version  # a network that looks for the last token is told of it
    assert named[0].files_sha256 != named[1].files_sha256


def test_a_prefix_stands_before_every_text_and_makes_another_space(encoder_folder):
    plain = read_encoder_folder(encoder_folder, ReadOptions())
    prefixed = read_encoder_folder(encoder_folder, ReadOptions(prefix="free "))

    told = [
        folder.tokenizer.tokenize([text]).ids[0].tolist() for folder, text in ((plain, "free ok"), (prefixed, "ok"))
    ]

    assert told[0] == told[1]
    assert plain.fingerprint != prefixed.fingerprint


def test_the_prompt_that_a_folder_names_is_its_prefix_unless_another_is_set(encoder_folder):
    stated = {"prompts": {"query": "free "}, "default_prompt_name": "query"}
    (encoder_folder / "config_sentence_transformers.json").write_text(json.dumps(stated), encoding="utf-8")

    prefixes = [read_encoder_folder(encoder_folder, ReadOptions(prefix=prefix)).prefix for prefix in (None, "", "win ")]

    assert ["free ", "", "win "] == prefixes


def test_a_padding_token_that_the_network_does_not_know_as_such_is_refused(encoder_folder, edit_json):
    edit_json(encoder_folder / "config.json", pad_token_id=3)

    with pytest.raises(
        ConfigurationError, match=r"got 0 in the tokenizer's files and 3 as pad_token_id in config\.json"
    ):
        read_encoder_folder(encoder_folder, ReadOptions())


def test_a_window_without_room_for_a_word_is_refused(encoder_folder):
    with pytest.raises(ConfigurationError, match="expected a window of more than 2 tokens"):
        read_encoder_folder(encoder_folder, ReadOptions(max_tokens=2))


@pytest.mark.parametrize(
    ("id2label", "words"),
    [
        ({"1": "a", "2": "b"}, "expected the keys 0 to 1, .* got 1 to 2 without 0"),
        ({"0": "a", "2": "b"}, "got 0 to 2 without 1"),
        ({"0": "a", "1": "a"}, "expected distinct labels, got 'a' 2 times"),
        ({"0": "a", "1": None}, "expected a name for every label, got none for 1"),
        ({"zero": "a", "one": "b"}, "expected numbers as keys"),
        ({"0": "a"}, "at least 2 labels, got 1"),
    ],
)
def test_labels_that_do_not_fit_the_outputs_are_refused(classifier_folder, edit_json, id2label, words):
    edit_json(classifier_folder / "config.json", id2label=id2label)

    with pytest.raises(ConfigurationError, match=words):
        read_classifier_folder(classifier_folder, ReadOptions())


@pytest.mark.parametrize(
    ("task", "words"),
    [
        ("SEQ_CLS", r"AutoPeftModelForSequenceClassification as M; .*from_pretrained\('.*', num_labels=N\)"),
        (
            "FEATURE_EXTRACTION",
            r"AutoPeftModelForFeatureExtraction as M; .*from_pretrained\('[^',]*'\).merge",
        ),
    ],
)
def test_an_adapter_names_the_command_that_merges_it(tmp_path, task, words):
    stated = {"peft_type": "LORA", "task_type": task, "base_model_name_or_path": "org/base"}
    (tmp_path / "adapter_config.json").write_text(json.dumps(stated), encoding="utf-8")

    with pytest.raises(ConfigurationError, match=f"got an adapter; merge it with org/base: .*{words}"):
        read_encoder_folder(tmp_path, ReadOptions())


def test_an_adapter_for_what_is_not_served_is_not_told_to_be_merged(tmp_path):
    (tmp_path / "adapter_config.json").write_text('{"task_type": "CAUSAL_LM"}', encoding="utf-8")

    with pytest.raises(ConfigurationError, match="it is one for CAUSAL_LM: only classifiers"):
        read_encoder_folder(tmp_path, ReadOptions())


def test_a_config_in_a_subfolder_is_pointed_at(tmp_path, encoder_folder):
    encoder_folder.rename(tmp_path / "outer-model")
    (tmp_path / "outer").mkdir()
    (tmp_path / "outer-model").rename(tmp_path / "outer" / "inner")

    with pytest.raises(ConfigurationError, match="there is one in inner"):
        read_encoder_folder(tmp_path / "outer", ReadOptions())
