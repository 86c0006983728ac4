"""Clusters are judged by labels that took no part in making them."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from trainer.__main__ import app
from trainer.clusters import default_seed_texts, matched_accuracy, score_clusters

RNG = np.random.default_rng(4)
CENTERS = np.eye(6, dtype=np.float32)[:3]
CLOUDS = np.repeat(CENTERS, 30, axis=0) + RNG.normal(scale=0.05, size=(90, 6)).astype(np.float32)
LABELS = np.repeat(np.array(["a", "b", "c"]), 30)


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


def test_more_clusters_than_texts_are_refused(encoder_folder, texts):
    result = CliRunner().invoke(app, ["cluster", str(texts), "--model", str(encoder_folder), "--k", "64"])

    assert 2 == result.exit_code
    assert "--k: expected 2 to 63" in result.stderr


def test_texts_are_given_clusters_as_they_arrive():
    (run,) = score_clusters(CLOUDS, LABELS, k=3, method="online", seeds=[1], seed_texts=30)

    assert 60 == run.judged
    assert run.nmi > 0.9


def test_a_worker_seeds_with_as_many_texts_as_its_settings_say():
    assert (1000, 1500) == (default_seed_texts(12), default_seed_texts(150))


def test_too_few_texts_to_arrive_are_refused(encoder_folder, texts):
    arguments = ["cluster", str(texts), "--model", str(encoder_folder), "--method", "online"]

    result = CliRunner().invoke(app, arguments)

    assert 2 == result.exit_code
    assert "--seed-texts: expected 2 (--k) to 62 of 64 texts, came 1000" in result.stderr
