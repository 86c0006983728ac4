"""A number of clusters is suggested by what needs no label."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from textsieve.trainer.__main__ import app
from textsieve.trainer.clustering.choose_k import KScores, score_each_k, suggest

RNG = np.random.default_rng(4)
CLOUDS = np.repeat(np.eye(6, dtype=np.float32)[:4], 40, axis=0) + RNG.normal(scale=0.05, size=(160, 6)).astype(
    np.float32
)
CLOUDS /= np.linalg.norm(CLOUDS, axis=1, keepdims=True)
LABELS = np.repeat(np.array(["a", "b", "c", "d"]), 40)


def tried(k, silhouette, std=0.0):
    return KScores(k=k, inertia=1 / k, silhouette=silhouette, silhouette_std=std, stability=1.0, nmi=0.5)


def test_as_many_clusters_as_there_are_clouds_are_suggested():
    found = score_each_k(CLOUDS, LABELS, ks=[2, 3, 4, 6, 9], runs=3, seed=1)

    assert 4 == suggest(found).k
    by_k = {one.k: one for one in found}
    assert by_k[2].inertia > by_k[4].inertia > by_k[9].inertia
    assert by_k[4].stability > by_k[9].stability
    assert by_k[4].nmi > 0.9


def test_the_same_seed_gives_the_same_curve():
    one, other = (score_each_k(CLOUDS, LABELS, ks=[3, 5], runs=2, seed=1) for _ in range(2))

    assert one == other


def test_labels_take_no_part():
    one, other = (
        suggest(score_each_k(CLOUDS, labels, ks=[2, 4, 6], runs=2, seed=1))
        for labels in (LABELS, RNG.permutation(LABELS))
    )

    assert one == other


def test_a_reason_names_what_is_as_good():
    found = suggest([tried(10, 0.10), tried(20, 0.29), tried(30, 0.3, std=0.02), tried(40, 0.2)])

    assert 30 == found.k
    assert "the highest silhouette, 0.300; 20 to 30 are within its standard deviation" in found.reason


@pytest.mark.parametrize("silhouettes", [(0.3, 0.2, 0.1), (0.1, 0.2, 0.3)])
def test_a_maximum_at_the_end_is_said_to_be_one(silhouettes):
    found = suggest([tried(k, silhouette) for k, silhouette in enumerate(silhouettes, start=2)])

    assert "try further" in found.reason


def test_the_command_writes_table_numbers_and_picture(encoder_folder, texts, tmp_path):
    arguments = ["cluster", texts, "--model", encoder_folder, "--choose-k", "2-8", "--seeds", "2", "--threads", "1"]
    arguments += ["--out", tmp_path / "report", "--json"]

    result = CliRunner().invoke(app, [str(argument) for argument in arguments])

    assert 0 == result.exit_code, result.stderr
    line = json.loads(result.stdout)
    assert [2, 3, 4, 5, 6, 7, 8] == [one["k"] for one in line["tried"]]
    assert line["suggested"]["k"] in range(2, 9)
    assert line == json.loads((tmp_path / "report" / "choose-k.json").read_text(encoding="utf-8"))
    assert "| suggested |" in (tmp_path / "report" / "choose-k.md").read_text(encoding="utf-8")
    assert (tmp_path / "report" / "choose-k.svg").read_text(encoding="utf-8").startswith("<svg")


@pytest.mark.parametrize("wanted", ["5", "5-5", "a-b", "", "2,,4"])
def test_what_leaves_no_choice_is_refused(encoder_folder, texts, wanted):
    result = CliRunner().invoke(app, ["cluster", str(texts), "--model", str(encoder_folder), "--choose-k", wanted])

    assert 2 == result.exit_code
    assert "--choose-k: expected" in result.stderr


def test_more_clusters_than_texts_are_not_tried(encoder_folder, texts):
    result = CliRunner().invoke(app, ["cluster", str(texts), "--model", str(encoder_folder), "--choose-k", "2,33,40"])

    assert 2 == result.exit_code
    assert "--choose-k: expected 2 to 32, half of the texts, got 40" in result.stderr
