"""Label: which labels a text is given for its probabilities."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import compress
from typing import Any, ClassVar, Final

import numpy as np

from textsieve.worker.batch import Batch, Column
from textsieve.worker.columns import LABEL, LABEL_ID, LABEL_SCORE, LABELS, PROBABILITIES, SCORES
from textsieve.worker.inference.decisions import argmax_label, assigned_labels
from textsieve.worker.inference.predictor import ModelCard

_SCORE: Final = Column[list[float]]("score")  # LABEL_SCORE, rounded


@dataclass(frozen=True, slots=True)
class Label:
    """Decides by the thresholds of the model.

    Attributes:
        card: of the model.
    """

    card: ModelCard
    needs: ClassVar[tuple[Column[Any], ...]] = (PROBABILITIES,)
    gives: ClassVar[tuple[Column[Any], ...]] = (LABEL_ID, LABEL_SCORE, LABEL, _SCORE, SCORES, LABELS)
    fields: ClassVar[Mapping[str, Column[Any]]] = {"label": LABEL, "score": _SCORE, "scores": SCORES, "labels": LABELS}

    def run(self, batch: Batch) -> Batch:
        """See Stage."""
        labels, probabilities = self.card.labels, batch[PROBABILITIES]  # [rows, labels]
        given = assigned_labels(probabilities, self.card)  # [rows, labels]
        best = argmax_label(probabilities, given)  # [rows]
        tops = best.tolist()
        alone = [[label] for label in labels]  # shared by all texts that are given it
        rounded = np.round(probabilities.astype(np.float64), 6).tolist()  # [rows, labels]
        return batch.with_columns(
            LABEL_ID.of(best),
            LABEL_SCORE.of(probabilities[np.arange(len(best)), best]),
            LABEL.of([labels[top] for top in tops]),
            _SCORE.of([row[top] for row, top in zip(rounded, tops, strict=True)]),
            SCORES.of([dict(zip(labels, row, strict=True)) for row in rounded]),
            LABELS.of(
                [list(compress(labels, row)) for row in given]
                if self.card.multi_label
                else [alone[top] for top in tops]
            ),
        )
