"""The head that is written answers as the regression that was fitted."""

import numpy as np
import pytest
import torch

from textsieve.trainer.training.described_labels import LabelledEmbeddings
from textsieve.trainer.training.embedding import embed
from textsieve.trainer.training.linear_probe import AugmentedEmbeddings, LinearProbe, fit_linear_probe
from textsieve.worker.inference.networks.heads import LinearHead, activation_of
from textsieve.worker.records import Predictions


def clouds(labels, *, seed=3):
    """Twenty noisy points of length 1 around a random direction for each label."""
    rng = np.random.default_rng(seed)
    centers = rng.normal(size=(len(labels), 8))
    points = np.repeat(centers, 20, axis=0) + rng.normal(scale=0.7, size=(20 * len(labels), 8))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    return points.astype(np.float32), np.repeat(np.array(labels), 20)


@pytest.mark.parametrize("labels", [("ham", "spam"), ("a", "b", "c")])
def test_the_head_gives_the_probabilities_of_the_regression(labels):
    points, names = clouds(labels)
    probe = LinearProbe(10.0).fit(points, names)

    weight, bias = probe.head()

    head = LinearHead(weight, bias)
    probabilities = activation_of(multi_label=False)(head(torch.from_numpy(points))).numpy()
    assert np.allclose(probe.predict_proba(points), probabilities, atol=1e-5)


def test_labels_are_in_the_order_of_the_rows():
    points, names = clouds(("b", "c", "a"))

    head = fit_linear_probe(points, names, folds=4, seed=0)

    weight, bias = head.probe.head()
    predicted = [head.report.labels[row] for row in (points @ weight.T + bias).argmax(axis=1)]
    assert ("a", "b", "c") == head.report.labels
    assert np.mean(np.array(predicted) == names) > 0.8


def test_the_same_seed_gives_the_same_head():
    points, names = clouds(("ham", "spam"))

    first, second = (fit_linear_probe(points, names, folds=3, seed=5) for _ in range(2))

    assert np.array_equal(first.probe.head()[0], second.probe.head()[0])
    assert first.report.metrics == second.report.metrics


def test_disguised_forms_are_learned_from_and_never_judged_by():
    points, names = clouds(("ham", "spam"))
    # forms of the last ten texts of each label, far from everything
    origins = np.flatnonzero(np.arange(len(names)) % 20 >= 10)
    forms = np.where(names[origins] == "spam", 1, -1)[:, None] * np.eye(8, dtype=np.float32)[:1]
    extra = AugmentedEmbeddings(forms.astype(np.float32), origins)

    plain, shown = (fit_linear_probe(points, names, folds=3, seed=0, extra=one) for one in (None, extra))

    def share(head):
        return float((head.probe.predict(forms) == names[origins]).mean())

    assert 1.0 == share(shown) > share(plain)
    assert 40 == shown.report.confusion.sum() == plain.report.confusion.sum()
    assert plain.probe.chosen_c == shown.probe.chosen_c


def test_a_disguised_form_is_not_learned_from_where_its_text_is_tested():
    points, names = clouds(("ham", "spam"))
    told = np.repeat([[0.0, 1.0], [1.0, 0.0]], 20, axis=0)  # what only the forms would give away
    blind = np.concatenate([points * 0, told * 0], axis=1).astype(np.float32)
    extra = AugmentedEmbeddings(np.concatenate([points * 0, told], axis=1).astype(np.float32), np.arange(40))

    report = fit_linear_probe(blind, names, folds=4, seed=0, extra=extra).report

    assert 0.5 == report.metrics["accuracy"].mean


def test_progress_is_told_after_every_fold_and_the_last_fit():
    points, names = clouds(("ham", "spam"))
    ticks = []

    fit_linear_probe(points, names, folds=3, seed=0, tick=lambda: ticks.append(1))

    assert 4 == len(ticks)


def test_embeddings_come_in_the_order_of_the_texts():
    class Counting:
        card = None

        def predict(self, texts):
            values = np.array([[float(text)] for text in texts], dtype=np.float32)
            return Predictions(
                values, values, np.ones(len(texts), dtype=np.int64), np.zeros(len(texts), dtype=np.bool_)
            )

    assert list(range(600)) == embed(Counting(), tuple(str(n) for n in range(600)))[:, 0].tolist()


def test_descriptions_are_learned_from_and_not_judged():
    points, names = clouds(("ham", "spam"))
    few = np.r_[0:4, 20:24]
    described = LabelledEmbeddings(points[[10, 30]], names[[10, 30]])

    without = fit_linear_probe(points[few], names[few], folds=4, seed=0)
    head = fit_linear_probe(points[few], names[few], folds=4, seed=0, described=described)

    assert not np.allclose(without.probe.head()[0], head.probe.head()[0])
    assert (4, 4) == head.report.support == tuple(head.report.confusion.sum(axis=1))
