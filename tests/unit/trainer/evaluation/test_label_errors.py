"""Labels that contradict their texts are found; the others are left in peace."""

import numpy as np

from textsieve.trainer.data.examples import Row, dedupe
from textsieve.trainer.evaluation.label_errors import find_label_errors


def clouds(*, wrong=(), multi_label=False):
    rng = np.random.default_rng(2)
    embeddings = np.concatenate([rng.normal(center, 0.3, size=(40, 4)) for center in (-1, 1)]).astype(np.float32)
    labels = ["ham"] * 40 + ["spam"] * 40
    for index in wrong:
        labels[index] = "spam" if labels[index] == "ham" else "ham"
    rows = (Row(100 + index, f"text {index}", (label,)) for index, label in enumerate(labels))
    return dedupe(rows, multi_label=multi_label), embeddings


def test_wrong_labels_are_named_by_line_with_the_likely_one():
    label_errors = find_label_errors(*clouds(wrong=(3, 60)), seed=0)

    assert {(103, "spam", "ham"), (160, "ham", "spam")} == {(one.line, one.given, one.likely) for one in label_errors}


def test_clean_labels_raise_no_suspicion():
    assert () == find_label_errors(*clouds(), seed=0)


def test_multi_label_files_are_not_looked_at():
    assert () == find_label_errors(*clouds(wrong=(3,), multi_label=True), seed=0)
