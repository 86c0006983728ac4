"""Clusters are judged by labels that took no part in making them."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from tests.unit.trainer.conftest import in_wide_letters, rows, write_rows
from textsieve.trainer.__main__ import app
from textsieve.trainer.clustering.online import Stream
from textsieve.trainer.clustering.results import cluster_by_seed
from textsieve.trainer.clustering.scores import default_seed_texts, matched_accuracy, score_clusters
from textsieve.trainer.data.embedded_examples import EmbeddedExamples
from textsieve.trainer.data.examples import Examples, Row

RNG = np.random.default_rng(4)
CENTERS = np.eye(6, dtype=np.float32)[:3]
CLOUDS = np.repeat(CENTERS, 30, axis=0) + RNG.normal(scale=0.05, size=(90, 6)).astype(np.float32)
LABELS = np.repeat(np.array(["a", "b", "c"]), 30)
EXAMPLES = Examples(
    tuple(Row(line=line, text=str(line), labels=(str(label),)) for line, label in enumerate(LABELS)),
    multi_label=False,
    rows=90,
    empty=0,
    duplicates=0,
    conflicts=0,
)


@pytest.mark.parametrize("method", ["kmeans", "minibatch"])
def test_clouds_that_are_the_labels_score_one(method):
    best = max(score_clusters(CLOUDS, LABELS, k=3, method=method, seeds=range(5)), key=lambda run: run.nmi)

    assert pytest.approx((1.0, 1.0, 1.0)) == (best.nmi, best.ari, best.accuracy)
    assert best.silhouette > 0.8


def test_labels_without_a_cloud_score_nothing():
    shuffled = RNG.permutation(LABELS)

    assert score_clusters(CLOUDS, shuffled, k=3, method="kmeans", seeds=[0])[0].ari < 0.1


def test_numbers_of_clusters_do_not_matter_to_the_match():
    assert 0.75 == matched_accuracy(np.array(["a", "a", "b", "b"]), np.array([7, 7, 2, 7]))


def test_more_clusters_than_labels_are_matched_once_each():
    assert 0.5 == matched_accuracy(np.array(["a", "a"]), np.array([0, 1]))


def test_the_command_ends_with_a_line_of_json(encoder_folder, texts):
    arguments = ["cluster", texts, "--model", encoder_folder, "--k", "4", "--sample", "40", "--threads", "1", "--json"]

    result = CliRunner().invoke(app, [str(argument) for argument in arguments])

    line = json.loads(result.stdout)
    assert (40, 2, 4, 3) == (line["texts"], line["labels"], line["k"], len(line["runs"]))
    assert {"nmi", "ari", "accuracy", "silhouette"} == set(line["mean"])


def test_disguised_texts_are_read_as_the_worker_will(encoder_folder, texts, tmp_path):
    disguised = write_rows(tmp_path / "wide.jsonl", in_wide_letters(rows()))

    def means(*data_and_options):
        arguments = ["cluster", *data_and_options, "--model", encoder_folder, "--k", "4", "--threads", "1", "--json"]
        return json.loads(CliRunner().invoke(app, [str(argument) for argument in arguments]).stdout)["mean"]

    assert means(texts) == means(disguised) != means(disguised, "--no-normalize")


def test_more_clusters_than_texts_are_refused(encoder_folder, texts):
    result = CliRunner().invoke(app, ["cluster", str(texts), "--model", str(encoder_folder), "--k", "64"])

    assert 2 == result.exit_code
    assert "--k: expected 2 to 63" in result.stderr


def test_texts_are_given_clusters_as_they_arrive():
    (run,) = score_clusters(CLOUDS, LABELS, k=3, method="online", seeds=[1], stream=Stream(30))

    assert 60 == run.judged
    assert run.nmi > 0.9


def test_k_means_is_judged_on_the_texts_that_found_clusters_when_they_arrived():
    stream = Stream(30)

    found = cluster_by_seed(
        EmbeddedExamples(EXAMPLES, CLOUDS), k=3, method="online", seeds=[1, 2], stream=stream
    ).line()

    offline = found["kmeans"]
    assert [60, 60] == [run["judged"] for run in offline["runs"]]
    differences = [run["nmi"] - other["nmi"] for run, other in zip(found["runs"], offline["runs"], strict=True)]
    assert pytest.approx((min(differences), max(differences))) == (
        offline["nmi_difference"]["lowest"],
        offline["nmi_difference"]["highest"],
    )


def test_mixed_texts_arrive_once_each_in_an_order_of_the_seed():
    one, again, other = (Stream(1).order(20, seed=seed) for seed in (1, 1, 2))

    assert list(range(20)) == sorted(one)
    assert one.tolist() == again.tolist() != other.tolist()


def test_texts_of_a_topic_arrive_together_and_mixed():
    topics = np.array(["x", "y"] * 20)

    order = Stream(1, topics).order(40, seed=1)

    first, second = topics[order[:20]], topics[order[20:]]
    assert (1, 1) == (len(set(first)), len(set(second)))
    assert sorted(order[:20]) != order[:20].tolist()


def test_texts_of_all_topics_may_seed_what_comes_topic_by_topic():
    topics = np.array(["x", "y"] * 20)

    order = Stream(10, topics, seed_from_all=True).order(40, seed=1)

    given, rest = topics[order[:10]], topics[order[10:]]
    assert list(range(40)) == sorted(order)
    assert {"x", "y"} == set(given)
    assert 1 == (rest[1:] != rest[:-1]).sum()


def test_a_stream_may_be_ordered_by_a_column(encoder_folder, tmp_path):
    rows = [
        {"text": f"{word} {other}", "label": word, "topic": word}
        for word in ("free", "see", "win")
        for other in "abcdefgh"
    ]
    data = write_rows(tmp_path / "topics.jsonl", rows)
    arguments = ["cluster", data, "--model", encoder_folder, "--method", "online", "--seed-texts", "8"]
    arguments += ["--topic-column", "topic", "--half-life", "10", "--threads", "1", "--json"]

    result = CliRunner().invoke(app, [str(argument) for argument in arguments])

    assert 0 == result.exit_code, result.stderr
    line = json.loads(result.stdout)
    assert (8, 10.0, 3) == (line["seed_texts"], line["half_life"], len(line["kmeans"]["runs"]))


def test_embeddings_that_were_kept_are_not_made_again(encoder_folder, texts, tmp_path):
    arguments = ["cluster", texts, "--model", encoder_folder, "--work", tmp_path / "work", "--threads", "1", "--json"]
    first = CliRunner().invoke(app, [str(argument) for argument in arguments])
    (kept,) = (tmp_path / "work").glob("originals-*.npy")
    np.save(kept, np.load(kept)[::-1])

    second = CliRunner().invoke(app, [str(argument) for argument in arguments])

    assert json.loads(first.stdout)["mean"] != json.loads(second.stdout)["mean"]


def test_a_worker_seeds_with_as_many_texts_as_its_settings_say():
    assert (1000, 3000) == (default_seed_texts(12), default_seed_texts(150))


def test_too_few_texts_to_arrive_are_refused(encoder_folder, texts):
    arguments = ["cluster", str(texts), "--model", str(encoder_folder), "--method", "online"]

    result = CliRunner().invoke(app, arguments)

    assert 2 == result.exit_code
    assert "--seed-texts: expected 2 (--k) to 62 of 64 texts, got 1000, the default" in result.stderr
