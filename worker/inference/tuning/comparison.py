"""Which engine to run: the fastest of those whose answers agree with float32."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from textsieve.worker.inference.decisions import assigned_labels, expected_loss
from textsieve.worker.inference.engines.report import Trial
from textsieve.worker.inference.predictor import ModelCard
from textsieve.worker.records import Predictions

LEAST_SPREAD = 0.05  # share of texts outside the commonest label: with fewer, equal labels prove nothing
NEARLY = 0.97  # of the best rate: a budget that reaches it and is smaller wins, for it holds less memory
BUDGETS = (256, 512, 1024)  # tokens tried for a device batch: below, calls cost more; above, caches overflow


def compare(name: str, answers: Predictions, reference: Predictions, *, rate: float, card: ModelCard) -> Trial:
    """A trial from the answers of a candidate and those of float32 to the same texts.

    Args:
        name: of the candidate.
        answers: the candidate's.
        reference: float32's.
        rate: texts per second of the candidate.
        card: of the model: how labels follow from probabilities.
    """
    given, wanted = (assigned_labels(one.probabilities, card) for one in (answers, reference))  # [texts, labels]
    same = (given == wanted).all(axis=1)  # [texts]
    loss = expected_loss(given, reference.probabilities, card)  # [texts]
    cosines = (answers.embeddings * reference.embeddings).sum(axis=1, dtype=np.float64)  # [texts]
    shifts = np.abs(answers.probabilities - reference.probabilities).max(axis=1, initial=0.0)  # [texts]
    return Trial(
        name,
        round(rate, 1),
        round(float(same.mean()), 5),
        round(float(cosines.mean()), 5),
        loss=round(float(loss.mean()), 6),
        shift=round(float(shifts.mean()), 6),
        labels_tell=_spread(wanted) >= LEAST_SPREAD,
    )


def _spread(given: np.ndarray) -> float:
    """Share of texts whose labels are not the commonest ones."""
    counts = Counter(row.tobytes() for row in given)
    return 1 - max(counts.values()) / len(given)


def choose(trials: Sequence[Trial]) -> tuple[Trial, str]:
    """The fastest trial that agrees with float32, and why it won.

    Raises:
        ValueError: none of them ran.
    """
    ran = [trial for trial in trials if not trial.fault]
    agreeing = [trial for trial in ran if trial.agrees]
    best = max(agreeing or ran, key=lambda trial: trial.messages_per_second)
    doubt = "" if all(trial.labels_tell for trial in ran) else f"; {_DOUBT}"
    if len(trials) == 1:
        return best, "the only one that the settings allow" + ("" if agreeing else ", though it differs from fp32")
    refused = [trial.name for trial in ran if not trial.agrees]
    why = f"the fastest of {len(agreeing)} that agree with fp32"
    return best, why + (f"; {', '.join(refused)} refused" if refused else "") + doubt


_DOUBT = "nearly all calibration texts get one label, so probabilities and embeddings alone were compared"


def choose_budget(rates: Sequence[tuple[int, float]]) -> int:
    """The smallest budget whose rate nearly reaches the best.

    Args:
        rates: (tokens, messages per second), not empty.
    """
    best = max(rate for _, rate in rates)
    return min(tokens for tokens, rate in rates if rate >= NEARLY * best)
