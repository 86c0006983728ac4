"""A study of the trade-off as a table and as JSON."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from textsieve.trainer.experiments.summary import Weighed
from textsieve.trainer.experiments.tradeoff import Answers, Study
from textsieve.trainer.reports.evaluation_tables import Section
from textsieve.trainer.reports.rendering import as_markdown

_TRIED = {"keep_embedding", "seed"}  # what of a recipe each attempt has of its own

_NOTE = (
    "F1 with its 95 % interval, mean over the seeds; its difference on the same texts to the embedding let go "
    "(weight 0), by a paired bootstrap over texts. NMI of k-means clusters and labels on texts that were not trained "
    "on, mean over all trained models; in brackets its difference to that of the encoder before training, and the "
    "lowest of the models."
)


@dataclass(frozen=True, slots=True)
class TradeoffReport:
    """What a study found."""

    data: str
    counted: str  # what the F1 is the F1 of
    study: Study
    answers: Answers
    weighed: Sequence[Weighed]

    def line(self) -> dict[str, Any]:
        """All numbers."""
        study = self.study
        return {
            "data": self.data,
            "f1_of": self.counted,
            "distinct": len(study.examples.kept),
            "folds": study.folds,
            "folds_run": study.run_folds,
            "judged": len(self.answers.targets),
            "seeds": study.seeds,
            "recipe": {name: value for name, value in asdict(study.recipe).items() if name not in _TRIED},
            "clusters": {name: len(one.kept) for name, one in study.groupings.examples.items()},
            "original_nmi": self.answers.original_nmi,
            "weights": [asdict(one) for one in self.weighed],
        }

    def markdown(self) -> str:
        """The table."""
        names = list(self.study.groupings.examples)
        header = (
            "weight",
            f"F1: {self.counted}",
            "minus weight 0",
            "p",
            "cosine",
            *(f"NMI {name}" for name in names),
        )
        means = [f"{np.mean(self.answers.original_nmi[name]):.3f}" for name in names]
        rows = (("before training", "", "", "", "1", *means), *(_row(one, names) for one in self.weighed))
        folds = f"{len(self.study.run_folds)} of {self.study.folds} folds"
        title = f"Holding the embedding on {self.data}, {folds}, {len(self.study.seeds)} seeds"
        return as_markdown(title, [Section("Labels and clusters", _NOTE, header, rows)])


def _row(one: Weighed, names: Sequence[str]) -> tuple[str, ...]:
    minus = one.minus_free
    nmi = [one.nmi[name] for name in names]
    return (
        f"{one.weight:g}",
        f"{one.f1.value:.3f} ({one.f1.low:.3f}-{one.f1.high:.3f})",
        ""
        if minus is None
        else f"{minus.interval.value:+.3f} ({minus.interval.low:+.3f} to {minus.interval.high:+.3f})",
        "" if minus is None else f"{minus.p_value:.3f}",
        f"{one.cosine:.3f}",
        *(f"{found.mean:.3f} ({found.minus_original:+.3f}, lowest {found.lowest:.3f})" for found in nmi),
    )
