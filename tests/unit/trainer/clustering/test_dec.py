"""Deep embedded clustering: its mathematics, and what a refinement does to a tiny encoder."""

import json

import numpy as np
import pytest
import torch
from torch import nn
from typer.testing import CliRunner

from textsieve.trainer.__main__ import app
from textsieve.trainer.clustering.dec import DeepEmbeddedClustering, TokenizedTexts, upper_layers
from textsieve.trainer.clustering.dec_config import DecConfig
from textsieve.trainer.clustering.dec_objective import divergence, soft_assignment, target_distribution
from textsieve.trainer.training.checkpoints import Checkpoints
from textsieve.worker.errors import ConfigurationError
from textsieve.worker.inference.loading import load_embedder, load_predictor
from textsieve.worker.settings import ModelSettings

TEXTS = tuple(
    f"{first} {second}" for first in ("free", "win", "see", "late") for second in ("call", "now", "you", "at")
)
RECIPE = DecConfig(steps=6, refresh=2, batch_size=8, layers=1, learning_rate=1e-2, tolerance=0.0, keep_embedding=0.0)


def test_a_text_belongs_to_clusters_as_student_s_t_says():
    texts, centers = torch.tensor([[0.0, 0.0], [1.0, 1.0]]), torch.tensor([[0.0, 0.0], [1.0, 0.0]])

    found = soft_assignment(texts, centers)

    # squared distances 0, 1 and 2, 1: closeness 1, 1/2 and 1/3, 1/2
    np.testing.assert_allclose([[2 / 3, 1 / 3], [2 / 5, 3 / 5]], found.numpy(), atol=1e-6)


def test_a_text_on_its_centre_has_a_gradient():
    text = torch.tensor([[1.0, 0.0]], requires_grad=True)

    soft_assignment(text, torch.tensor([[1.0, 0.0], [0.0, 1.0]]))[0, 1].backward()

    assert text.grad.isfinite().all()


def test_a_target_is_surer_and_weighs_large_clusters_less():
    assignment = torch.tensor([[0.6, 0.4], [0.8, 0.2]])

    found = target_distribution(assignment)

    first = np.array([0.36 / 1.4, 0.16 / 0.6])
    second = np.array([0.64 / 1.4, 0.04 / 0.6])
    np.testing.assert_allclose([first / first.sum(), second / second.sum()], found.numpy(), atol=1e-6)


def test_a_distribution_does_not_diverge_from_itself():
    assignment = torch.tensor([[0.6, 0.4], [0.8, 0.2]])

    assert pytest.approx(0.0, abs=1e-6) == float(divergence(assignment, assignment))
    assert float(divergence(target_distribution(assignment), assignment)) > 0.0


@pytest.fixture
def refining(encoder_folder, tmp_path):
    def make(config=RECIPE, work="work", identity="one"):
        predictor, encoder = load_embedder(ModelSettings(path=str(encoder_folder), engine="torch"))
        texts = TokenizedTexts(encoder.tokenizer.tokenize(TEXTS), predictor.predict(TEXTS).embeddings)
        checkpoints = Checkpoints(tmp_path / work, identity=identity)
        return DeepEmbeddedClustering(
            encoder.model,
            pooling=encoder.pooling,
            tokenizer=encoder.tokenizer,
            texts=texts,
            k=3,
            config=config,
            device=torch.device("cpu"),
            checkpoints=checkpoints,
        )

    return make


def test_a_refinement_draws_texts_to_their_clusters(refining):
    found = refining().run()

    first, *_, last = found.snapshots
    assert (0, 6, 1.0) == (first.step, last.step, first.changed)
    assert last.cosine < first.cosine == pytest.approx(1.0, abs=1e-5)
    assert (len(TEXTS), 16) == found.embeddings.shape
    np.testing.assert_allclose(1.0, np.linalg.norm(found.embeddings, axis=1), atol=1e-5)


def test_it_ends_when_texts_stay_where_they_are(refining):
    found = refining(DecConfig(steps=50, refresh=2, batch_size=8, layers=1, learning_rate=0.0, tolerance=0.01)).run()

    assert (2, 0.0) == (found.snapshots[-1].step, found.snapshots[-1].changed)


def test_an_embedding_that_is_held_moves_less(refining):
    free, held = (
        refining(DecConfig(**(shared | {"keep_embedding": weight})), work=f"work-{weight}").run().snapshots[-1].cosine
        for shared in ({"steps": 20, "refresh": 10, "batch_size": 16, "layers": 1, "learning_rate": 1e-2},)
        for weight in (0.0, 10.0)
    )

    assert held > free


def test_an_interrupted_refinement_comes_to_the_same_weights(refining):
    whole = refining(work="whole").run()
    stopped = refining()
    steps = iter([False, False, False, True])

    with pytest.raises(KeyboardInterrupt):
        stopped.run(stop=lambda: next(steps))
    done = []
    resumed = refining().run(done.append)

    assert 2 == done[0]
    assert whole.snapshots == resumed.snapshots
    np.testing.assert_array_equal(whole.embeddings, resumed.embeddings)


def test_the_checkpoint_of_another_run_is_refused(refining):
    steps = iter([False, False, True])
    with pytest.raises(KeyboardInterrupt):
        refining().run(stop=lambda: next(steps))

    with pytest.raises(ConfigurationError, match="interrupted run of other data"):
        refining(identity="another").run()


def test_the_upper_layers_are_the_last_of_the_longest_list():
    network = nn.Sequential(nn.ModuleList([nn.Linear(1, 1)]), nn.ModuleList([nn.Linear(2, 2) for _ in range(3)]))

    found = upper_layers(network, 2)

    assert list(network[1])[1:] == list(found)
    with pytest.raises(ConfigurationError, match="--layers: expected 1 to 3"):
        upper_layers(network, 4)


def test_layers_below_stay_as_they_are(refining):
    run = refining()
    before = {name: tensor.clone() for name, tensor in run._encoder.state_dict().items()}

    run.run()

    moved = {name for name, tensor in run._encoder.state_dict().items() if not tensor.equal(before[name])}
    assert moved
    assert all(".layer.0." in f".{name}" for name in moved)


def test_the_command_writes_a_bundle_that_a_worker_can_serve(encoder_folder, texts, tmp_path):
    arguments = [
        "cluster",
        texts,
        "--model",
        encoder_folder,
        "--method",
        "dec",
        "--k",
        "4",
        "--steps",
        "4",
        "--keep-embedding",
        "0",
    ]
    arguments += ["--refresh", "2", "--layers", "1", "--learning-rate", "0.01", "--out", tmp_path / "bundle"]
    arguments += ["--work", tmp_path / "work", "--threads", "1", "--json"]

    result = CliRunner().invoke(app, [str(argument) for argument in arguments])

    assert 0 == result.exit_code, result.stderr
    line = json.loads(result.stdout)
    assert {"mean", "kmeans_before", "kmeans_after", "looks", "recipe"} <= set(line)
    served = load_predictor(ModelSettings(path=str(tmp_path / "bundle"), engine="torch"))
    assert ("ham", "spam") == served.card.labels
    assert line["fingerprint"] != served.card.fingerprint
    embedder, _ = load_embedder(ModelSettings(path=str(encoder_folder), engine="torch"))
    words = ["free prize call"]
    cosine = (served.predict(words).embeddings * embedder.predict(words).embeddings).sum()
    assert cosine < 0.9999
    assert "refined on | 64 texts, 4 clusters" in (tmp_path / "bundle" / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("options", "end"),
    [
        (["--tolerance", "1"], "ended after 2 of 4 steps: fewer than 1 of the texts changed their cluster"),
        (["--tolerance", "0"], "ended after 4 of 4 steps: that is --steps"),
    ],
)
def test_the_command_says_why_it_ended_and_what_it_wrote(encoder_folder, texts, tmp_path, options, end):
    arguments = ["cluster", texts, "--model", encoder_folder, "--method", "dec", "--steps", "4", "--refresh", "2"]
    arguments += ["--layers", "1", "--out", tmp_path / "bundle", "--work", tmp_path / "work", "--threads", "1"]

    result = CliRunner().invoke(app, [str(argument) for argument in (*arguments, *options)])

    assert 0 == result.exit_code, result.stderr
    assert end in result.stdout
    assert result.stdout.endswith(f"wrote {tmp_path / 'bundle'}\n")


def test_only_a_refinement_has_a_bundle_to_write(encoder_folder, texts, tmp_path):
    arguments = ["cluster", str(texts), "--model", str(encoder_folder), "--out", str(tmp_path / "bundle")]

    result = CliRunner().invoke(app, arguments)

    assert 2 == result.exit_code
    assert "--out: expected --method dec or --choose-k" in result.stderr
