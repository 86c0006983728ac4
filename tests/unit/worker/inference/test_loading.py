"""Three kinds of model, one predictor."""

import gzip
import json
import os
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs
from transformers import AutoModelForSequenceClassification, AutoTokenizer, GPT2Config, GPT2ForSequenceClassification

from textsieve.worker.errors import ConfigurationError, PredictorError
from textsieve.worker.inference.bundle.manifest import EncoderReference
from textsieve.worker.inference.bundle.writing import write_bundle
from textsieve.worker.inference.cpu_info import allowed_processors
from textsieve.worker.inference.loading import load_embedder, load_predictor, on_this_machine
from textsieve.worker.inference.networks.encoder import load_encoder
from textsieve.worker.settings import ModelSettings

PLAIN = {"device": "cpu", "engine": "torch", "precision": "fp32", "max_batch_tokens": 512}  # nothing is calibrated
TEXTS = ["free prize call now", "ok", "see you at home", "win cash " * 12, "late bus dinner at home", "ok"]
LABELS = {"spam": ("free prize", "win cash now"), "ham": ("see you at home",)}


def test_a_bundle_says_its_name_version_and_labels(bundle_folder, settings_for):
    card = load_predictor(settings_for(bundle_folder)).card

    assert ("tiny", "2026-11-23.1", ("ham", "spam", "other"), 32, 16) == (
        card.name,
        card.version,
        card.labels,
        card.dim,
        card.max_tokens,
    )


@pytest.mark.parametrize("kind", ["bundle_folder", "classifier_folder"])
def test_probabilities_of_exclusive_labels_sum_to_one(request, settings_for, kind):
    predictions = load_predictor(settings_for(request.getfixturevalue(kind))).predict(TEXTS)

    assert pytest.approx(np.ones(len(TEXTS))) == predictions.probabilities.sum(axis=1)


@pytest.mark.parametrize("kind", ["bundle_folder", "classifier_folder"])
def test_embeddings_have_length_one(request, settings_for, kind):
    predictions = load_predictor(settings_for(request.getfixturevalue(kind))).predict(TEXTS)

    assert pytest.approx(np.ones(len(TEXTS))) == np.linalg.norm(predictions.embeddings, axis=1)


@pytest.mark.parametrize("max_batch_tokens", [16, 40, 4096])
@pytest.mark.parametrize("kind", ["bundle_folder", "classifier_folder"])
def test_answers_do_not_depend_on_the_texts_beside(request, settings_for, kind, max_batch_tokens):
    predictor = load_predictor(settings_for(request.getfixturevalue(kind), max_batch_tokens=max_batch_tokens))

    together = predictor.predict(TEXTS)
    alone = [predictor.predict([text]) for text in TEXTS]

    assert np.allclose(together.embeddings, np.concatenate([one.embeddings for one in alone]), atol=1e-5)
    assert np.allclose(together.probabilities, np.concatenate([one.probabilities for one in alone]), atol=1e-5)


def test_any_order_of_the_texts_gives_the_same_answers(bundle_folder, settings_for):
    predictor = load_predictor(settings_for(bundle_folder, max_batch_tokens=24))
    expected = predictor.predict(TEXTS)

    @given(st.permutations(range(len(TEXTS))))
    @settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def holds(order):
        shuffled = predictor.predict([TEXTS[index] for index in order])

        assert np.allclose(expected.embeddings[list(order)], shuffled.embeddings, atol=1e-5)

    holds()


def test_a_thousand_texts_at_once_are_answered(bundle_folder, settings_for):
    predictions = load_predictor(settings_for(bundle_folder)).predict(TEXTS * 170)

    assert (1020, 3) == predictions.probabilities.shape


def test_tokens_are_counted_and_cuts_are_marked(bundle_folder, settings_for):
    predictions = load_predictor(settings_for(bundle_folder, max_windows=1)).predict(TEXTS)

    assert [6, 3, 6, 16, 7, 3] == predictions.token_counts.tolist()
    assert [False, False, False, True, False, False] == predictions.truncated.tolist()


def test_a_text_longer_than_the_window_is_read_to_its_end_unless_told_otherwise(bundle_folder, settings_for):
    predictions = load_predictor(settings_for(bundle_folder)).predict(TEXTS)

    assert [6, 3, 6, 26, 7, 3] == predictions.token_counts.tolist()
    assert not predictions.truncated.any()


@pytest.mark.parametrize("engine", [("torch", "fp32"), ("torch", "bf16"), ("onnx", "fp32"), ("onnx", "int8")])
@pytest.mark.parametrize("kind", ["bundle_folder", "classifier_folder", "encoder_folder"])
def test_every_kind_and_engine_reads_the_end_of_a_long_text(request, settings_for, kind, engine):
    labels = {"labels": LABELS} if kind == "encoder_folder" else {}
    way = {"engine": engine[0], "precision": engine[1], "max_tokens": 16, **labels}
    predictor = load_predictor(settings_for(request.getfixturevalue(kind), **way))
    ham, spam = "see you at home " * 6, "free prize win cash " * 6

    answers = predictor.predict([ham + ham, ham + spam, "ok"])

    assert (answers.embeddings[0] @ answers.embeddings[1]) < 0.999
    assert pytest.approx(np.ones(3), abs=1e-5) == np.linalg.norm(answers.embeddings, axis=1)
    assert pytest.approx(np.ones(3), abs=1e-5) == answers.probabilities.sum(axis=1)


@pytest.mark.parametrize("kind", ["bundle_folder", "classifier_folder", "encoder_folder"])
def test_thresholds_of_the_settings_are_on_the_card_and_in_the_version(request, settings_for, kind):
    labels = {"labels": LABELS} if kind == "encoder_folder" else {}
    folder = request.getfixturevalue(kind)

    plain = load_predictor(settings_for(folder, **labels)).card
    strict = load_predictor(settings_for(folder, **labels, thresholds={"spam": 0.9})).card

    assert ({}, {"spam": 0.9}) == (plain.thresholds, strict.thresholds)
    assert strict.version.startswith(f"{plain.version}+thresholds.")
    assert plain.fingerprint == strict.fingerprint


def test_thresholds_of_a_bundle_are_in_force_until_the_settings_have_others(tmp_path, manifest, head, encoder_folder):
    weight, bias = head
    folder = tmp_path / "strict"
    strict = msgspec.structs.replace(manifest, thresholds={"spam": 0.9})
    write_bundle(folder, manifest=strict, weight=weight, bias=bias, encoder_folder=encoder_folder)

    cards = [
        load_predictor(ModelSettings(path=str(folder), thresholds=thresholds, **PLAIN)).card
        for thresholds in (None, {"spam": 0.9}, {"other": 0.5}, {})
    ]

    assert [{"spam": 0.9}, {"spam": 0.9}, {"other": 0.5}, {}] == [card.thresholds for card in cards]
    assert ["2026-11-23.1"] * 2 == [card.version for card in cards[:2]]
    assert 3 == len({card.version for card in cards})


@pytest.mark.parametrize(
    ("thresholds", "words"),
    [
        ({"spamm": 0.5}, "got one for 'spamm', and the labels are ham, spam, other"),
        ({"ham": 0.5, "spam": 0.5, "other": 0.5}, "got one for every label"),
    ],
)
def test_thresholds_that_do_not_fit_the_labels_are_refused(bundle_folder, settings_for, thresholds, words):
    with pytest.raises(ConfigurationError, match=rf"model\.thresholds: .*{words}"):
        load_predictor(settings_for(bundle_folder, thresholds=thresholds))


def test_a_text_that_is_no_utf8_is_a_predictor_error(bundle_folder, settings_for):
    with pytest.raises(PredictorError, match="UTF-8"):
        load_predictor(settings_for(bundle_folder)).predict(["\ud800"])


def test_a_multi_label_bundle_never_sees_softmax(tmp_path, manifest, encoder_folder, settings_for):
    always = np.zeros((3, 32), dtype=np.float32), np.full(3, 9, dtype=np.float32)
    folder = tmp_path / "multi"
    multi = msgspec.structs.replace(manifest, multi_label=True)
    write_bundle(folder, manifest=multi, weight=always[0], bias=always[1], encoder_folder=encoder_folder)

    predictor = load_predictor(settings_for(folder))

    assert predictor.card.multi_label
    assert (predictor.predict(TEXTS).probabilities > 0.99).all()


def test_a_head_may_read_another_pooling_than_the_embedding(tmp_path, manifest, encoder_folder, settings_for):
    weight, bias = np.eye(3, 32, dtype=np.float32), np.zeros(3, dtype=np.float32)
    hidden = []
    for name, head_pooling in (("own", None), ("cls", "cls")):
        other = msgspec.structs.replace(manifest, head_pooling=head_pooling)
        write_bundle(tmp_path / name, manifest=other, weight=weight, bias=bias, encoder_folder=encoder_folder)
        hidden.append(load_predictor(settings_for(tmp_path / name)).predict(TEXTS))
    model = load_encoder(encoder_folder).model.eval()
    ids = torch.tensor([AutoTokenizer.from_pretrained(encoder_folder)(TEXTS[0])["input_ids"]])
    with torch.inference_mode():
        first = model(ids).last_hidden_state[0, 0, :3].softmax(-1).numpy()

    own, cls = hidden

    assert np.allclose(own.embeddings, cls.embeddings)
    assert np.allclose(first, cls.probabilities[0], atol=1e-5)
    assert not np.allclose(own.probabilities, cls.probabilities)


def test_the_head_does_not_change_the_fingerprint(tmp_path, bundle_folder, manifest, encoder_folder, settings_for):
    other = tmp_path / "other"
    weight, bias = np.zeros((3, 32), dtype=np.float32), np.zeros(3, dtype=np.float32)
    write_bundle(other, manifest=manifest, weight=weight, bias=bias, encoder_folder=encoder_folder)

    first, second = (load_predictor(settings_for(folder)).card for folder in (bundle_folder, other))

    assert first.fingerprint == second.fingerprint


def test_a_window_set_by_the_operator_wins_and_changes_the_fingerprint(bundle_folder, settings_for):
    own, shorter = (load_predictor(settings_for(bundle_folder, max_tokens=size)).card for size in (None, 8))

    assert 8 == shorter.max_tokens
    assert own.fingerprint != shorter.fingerprint


def test_a_head_of_another_encoder_is_refused(tmp_path, manifest, head, encoder_folder, settings_for):
    stranger = msgspec.structs.replace(manifest, encoder=EncoderReference(source="files", sha256="0" * 64))
    write_bundle(tmp_path / "b", manifest=stranger, weight=head[0], bias=head[1], encoder_folder=encoder_folder)

    with pytest.raises(ConfigurationError, match="the head belongs to an encoder with sha256 0000"):
        load_predictor(settings_for(tmp_path / "b"))


def test_a_head_for_embeddings_of_another_size_is_refused(tmp_path, manifest, encoder_folder, settings_for):
    weight, bias = np.zeros((3, 31), dtype=np.float32), np.zeros(3, dtype=np.float32)
    write_bundle(tmp_path / "b", manifest=manifest, weight=weight, bias=bias, encoder_folder=encoder_folder)

    with pytest.raises(ConfigurationError, match="embeddings of 32 numbers, got one for 31"):
        load_predictor(settings_for(tmp_path / "b"))


def test_a_classifier_has_the_labels_of_its_config(classifier_folder, settings_for):
    assert ("ham", "spam", "other") == load_predictor(settings_for(classifier_folder)).card.labels


def test_a_classifier_answers_as_transformers_does(classifier_folder, settings_for):
    tokenizer = AutoTokenizer.from_pretrained(classifier_folder)
    model = AutoModelForSequenceClassification.from_pretrained(classifier_folder).eval()
    with torch.inference_mode():
        expected = model(**tokenizer(TEXTS[0], return_tensors="pt")).logits.softmax(-1)

    assert (
        pytest.approx(expected.numpy(), abs=1e-5)
        == load_predictor(settings_for(classifier_folder)).predict(TEXTS[:1]).probabilities
    )


def test_a_classifiers_embedding_is_the_mean_of_its_last_hidden_state(classifier_folder, settings_for):
    of_classifier = load_predictor(settings_for(classifier_folder)).predict(TEXTS).embeddings
    bare, _ = load_embedder(settings_for(classifier_folder))

    assert np.allclose(bare.predict(TEXTS).embeddings, of_classifier, atol=1e-5)


def test_a_multi_label_classifier_never_sees_softmax(classifier_folder, settings_for, edit_json):
    single = load_predictor(settings_for(classifier_folder)).predict(TEXTS).probabilities
    edit_json(classifier_folder / "config.json", problem_type="multi_label_classification")

    predictor = load_predictor(settings_for(classifier_folder))
    multi = predictor.predict(TEXTS).probabilities

    odds = np.exp(np.log(multi) - np.log1p(-multi))  # e^logit
    assert predictor.card.multi_label
    assert np.allclose(single, odds / odds.sum(axis=1, keepdims=True), atol=1e-4)


def test_a_regression_is_no_classifier(classifier_folder, settings_for, edit_json):
    edit_json(classifier_folder / "config.json", problem_type="regression")

    with pytest.raises(ConfigurationError, match="problem_type regression"):
        load_predictor(settings_for(classifier_folder))


def test_descriptions_make_an_encoder_a_classifier(encoder_folder, settings_for):
    predictor = load_predictor(settings_for(encoder_folder, labels=LABELS))

    probabilities = predictor.predict(["win cash now", "see you at home"]).probabilities

    assert ["spam", "ham"] == [predictor.card.labels[row.argmax()] for row in probabilities]


def test_other_descriptions_are_another_version(encoder_folder, settings_for):
    first = load_predictor(settings_for(encoder_folder, labels=LABELS)).card
    second = load_predictor(settings_for(encoder_folder, labels=LABELS | {"ham": ("dinner",)})).card

    assert first.version != second.version
    assert first.fingerprint == second.fingerprint


def test_a_bundles_encoder_can_be_used_without_its_head(bundle_folder, settings_for):
    assert ("spam", "ham") == load_predictor(settings_for(bundle_folder, labels=LABELS)).card.labels


@pytest.mark.parametrize(
    "labels", [{"spam": ("free",)}, {"spam": ("x",), "ham": (" ",)}, {"a": ("x",), "b": (), "c": ()}]
)
def test_every_zero_shot_label_needs_a_description_and_company(encoder_folder, settings_for, labels):
    with pytest.raises(ConfigurationError, match=r"model\.labels: zero-shot needs at least 2 labels"):
        load_predictor(settings_for(encoder_folder, labels=labels))


@pytest.mark.parametrize("kind", ["bundle", "classifier"])
def test_descriptions_beside_another_kind_are_a_contradiction(bundle_folder, settings_for, kind):
    with pytest.raises(ConfigurationError, match=r"remove model\.labels or set model\.kind to zero-shot"):
        load_predictor(settings_for(bundle_folder, labels=LABELS, kind=kind))


def test_an_encoder_alone_asks_for_labels(encoder_folder, settings_for):
    with pytest.raises(ConfigurationError, match=r"needs model\.labels"):
        load_predictor(settings_for(encoder_folder))


def test_an_empty_folder_is_no_model(tmp_path, settings_for):
    with pytest.raises(ConfigurationError, match=r"config\.json"):
        load_predictor(settings_for(tmp_path))


def test_a_classifier_that_knows_no_padding_token_is_told_the_tokenizers(tmp_path, encoder_folder, settings_for):
    folder = tmp_path / "gpt"
    GPT2ForSequenceClassification(
        GPT2Config(vocab_size=19, n_embd=32, n_layer=1, n_head=2, n_positions=24, bos_token_id=2, eos_token_id=3)
    ).save_pretrained(folder)
    for path in encoder_folder.glob("tokenizer*"):
        (folder / path.name).write_bytes(path.read_bytes())

    predictor = load_predictor(settings_for(folder))

    alone = np.concatenate([predictor.predict([text]).probabilities for text in TEXTS])
    assert np.allclose(alone, predictor.predict(TEXTS).probabilities, atol=1e-5)


def test_a_tokenizer_that_makes_nothing_of_blanks_is_served(classifier_folder, settings_for, edit_json):
    edit_json(classifier_folder / "tokenizer.json", post_processor=None)  # no token but those of words

    predictor = load_predictor(settings_for(classifier_folder, engine="auto", precision="auto", max_batch_tokens=None))

    assert ["torch fp32"] == [trial.name for trial in predictor.report.trials if trial.name == "torch fp32"]
    with pytest.raises(PredictorError):
        predictor.predict([" "])


def test_the_thread_setting_is_applied(bundle_folder, settings_for):
    load_predictor(settings_for(bundle_folder, threads=2))

    assert 2 == torch.get_num_threads()


def test_bfloat16_stays_near_float32(bundle_folder, settings_for):
    exact, rough = (
        load_predictor(settings_for(bundle_folder, precision=precision)).predict(TEXTS)
        for precision in ("fp32", "bf16")
    )

    assert ((exact.embeddings * rough.embeddings).sum(axis=1) > 0.98).all()
    assert np.float32 == rough.embeddings.dtype


def test_the_default_knows_spam_from_ham():
    predictor = load_predictor(ModelSettings(device="cpu"))

    texts = ["WINNER!! Claim your free prize, text WIN to 80086 now", "are you home yet? dinner is ready"]
    probabilities = predictor.predict(texts).probabilities

    assert ("sms-spam", ("ham", "spam")) == (predictor.card.name, predictor.card.labels)
    assert ["spam", "ham"] == [predictor.card.labels[row.argmax()] for row in probabilities]


def test_the_default_encoder_takes_descriptions_and_shares_the_embedding_space():
    labels = {"billing": ("a question about an invoice or a payment",), "delivery": ("where is my parcel",)}
    zero_shot = load_predictor(ModelSettings(labels=labels, **PLAIN))

    probabilities = zero_shot.predict(["I was charged twice", "my package has not arrived"]).probabilities

    assert ["billing", "delivery"] == [zero_shot.card.labels[row.argmax()] for row in probabilities]
    assert load_predictor(ModelSettings(**PLAIN)).card.fingerprint == zero_shot.card.fingerprint


@pytest.mark.skipif("TEXTSIEVE_DATA" not in os.environ, reason="TEXTSIEVE_DATA is unset: no real texts")
def test_the_default_separates_real_messages():
    path = Path(os.environ["TEXTSIEVE_DATA"]) / "sms_spam.jsonl.gz"
    rows = [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()[:400]]
    predictor = load_predictor(ModelSettings(**PLAIN))

    probabilities = predictor.predict([row["text"] for row in rows]).probabilities

    right = [predictor.card.labels[p.argmax()] == row["label"] for p, row in zip(probabilities, rows, strict=True)]
    assert np.mean(right) > 0.97


def test_no_more_threads_than_processors_are_used_and_that_is_said(classifier_folder, settings_for):
    with capture_logs() as lines:
        asked = on_this_machine(settings_for(classifier_folder, threads=10_000))

    assert allowed_processors() == asked.threads
    assert ["more threads than processors: as many as processors are used"] == [line["event"] for line in lines]


def test_an_engine_that_is_all_that_the_settings_allow_and_differs_from_fp32_is_warned_of(
    classifier_folder, settings_for, tmp_path, monkeypatch
):
    monkeypatch.setattr("textsieve.worker.inference.engines.report.LEAST_COSINE", 1.5)  # nothing is so near
    way = {"engine": "onnx", "precision": "int8", "cache_directory": str(tmp_path / "cache")}

    with capture_logs() as lines:
        for _ in range(2):
            load_predictor(settings_for(classifier_folder, **way))

    told = [line["event"] for line in lines if line["log_level"] == "warning" and "differs" in line["event"]]
    assert ["the engine that was asked for differs from fp32"] * 2 == told
