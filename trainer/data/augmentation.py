"""Training texts shown once more, disguised."""

from dataclasses import dataclass, replace
from random import Random

import numpy as np

from textsieve.trainer.data.disguises import KINDS, disguise
from textsieve.trainer.data.examples import Examples, Row
from textsieve.trainer.data.splits import Indices
from textsieve.worker.normalization import normalize


@dataclass(frozen=True, slots=True)
class AugmentedTexts:
    """Disguised texts and what they were."""

    rows: tuple[Row, ...]
    origins: Indices  # [rows], position of the text that each disguises

    @property
    def texts(self) -> tuple[str, ...]:
        """What a model is given."""
        return tuple(row.shown for row in self.rows)


def augment(examples: Examples, *, share: float, seed: int) -> AugmentedTexts:
    """Disguise a share of the texts, each in one way that the model would notice.

    Of the ways, in random order, the first is taken that the worker's normalisation does not undo, if the examples were
    read through it; a text of which all are undone teaches nothing new and is left out.

    Args:
        examples: of the training part; texts that judge must never come here.
        share: of the texts, 0 to 1.
        seed: of the choice of texts and of their disguises.
    """
    rng = Random(seed)
    count = round(len(examples.kept) * share)
    chosen = sorted(rng.sample(range(len(examples.kept)), k=count))
    found = [(origin, _disguised(examples.kept[origin], rng, seed=seed)) for origin in chosen]
    kept = [(origin, row) for origin, row in found if row is not None]
    return AugmentedTexts(
        rows=tuple(row for _, row in kept), origins=np.asarray([origin for origin, _ in kept], dtype=np.int64)
    )


def _disguised(row: Row, rng: Random, *, seed: int) -> Row | None:
    for kind in rng.sample(list(KINDS), k=len(KINDS)):
        text = disguise(row.text, kind=kind, seed=seed)
        normalized = None if row.normalized is None else normalize(text).text
        shown = replace(row, text=text, normalized=normalized)
        if shown.shown != row.shown:
            return shown
    return None
