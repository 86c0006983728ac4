"""Which engine to run: the fastest of those whose answers agree with float32."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Literal

import numpy as np

from worker.records import Predictions

EngineName = Literal["torch", "onnx"]
Precision = Literal["fp32", "bf16", "fp16", "int8"]

LEAST_AGREEMENT = 0.995  # share of texts with the label that float32 gives them: one in 200 may differ
LEAST_COSINE = 0.985  # mean over texts, between the embedding and that in float32
NEARLY = 0.97  # of the best rate: a budget that reaches it and is smaller wins, for it holds less memory

BUDGETS = (256, 512, 1024)  # tokens tried for a device batch: below, calls cost more; above, caches overflow
FIRST_BUDGET = 512  # tokens; what engines are compared with


@dataclass(frozen=True, slots=True)
class Candidate:
    """A way to run the network."""

    engine: EngineName
    precision: Precision

    @property
    def name(self) -> str:
        """As logs and reports show it."""
        return f"{self.engine} {self.precision}"


REFERENCE = Candidate("torch", "fp32")  # what all others are compared with


@dataclass(frozen=True, slots=True)
class Trial:
    """What a candidate did on the calibration texts.

    Attributes:
        name: of the candidate.
        messages_per_second: at the budget that the comparison ran with, 0 where it did not run.
        label_agreement: share of texts with the label that float32 gives them.
        mean_cosine: between its embeddings and those in float32.
        fault: why it did not run, "" where it did.
    """

    name: str
    messages_per_second: float = 0.0
    label_agreement: float = 0.0
    mean_cosine: float = 0.0
    fault: str = ""

    @property
    def agrees(self) -> bool:
        """Whether it ran and lies within the bounds."""
        return not self.fault and self.label_agreement >= LEAST_AGREEMENT and self.mean_cosine >= LEAST_COSINE


@dataclass(frozen=True, slots=True)
class EngineReport:
    """What runs the network, and why.

    Attributes:
        why: one sentence.
        max_batch_tokens: the budget of a device batch.
        threads: CPU threads of the forward pass.
        trials: of every candidate; empty where the settings left no choice.
        seconds: that the calibration took; 0 where it was read.
        cached: whether it was read from an earlier start.
    """

    engine: EngineName
    precision: Precision
    why: str
    max_batch_tokens: int
    threads: int
    trials: tuple[Trial, ...] = ()
    seconds: float = 0.0
    cached: bool = False


def calibration_texts() -> list[str]:
    """Texts of our own, of many lengths and topics, spam among them."""
    lines = resources.files("worker.inference").joinpath("calibration.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("# ")]


def compare(name: str, answers: Predictions, reference: Predictions, *, seconds: float, multi_label: bool) -> Trial:
    """A trial from the answers of a candidate and those of float32 to the same texts.

    Args:
        name: of the candidate.
        answers: the candidate's.
        reference: float32's.
        seconds: that the answers took.
        multi_label: labels agree where all of them are on the same side of one half, instead of the likeliest.
    """
    if multi_label:
        same = ((answers.probabilities >= 0.5) == (reference.probabilities >= 0.5)).all(axis=1)  # noqa: PLR2004 [texts]
    else:
        same = answers.probabilities.argmax(axis=1) == reference.probabilities.argmax(axis=1)  # [texts]
    cosines = (answers.embeddings * reference.embeddings).sum(axis=1, dtype=np.float64)  # [texts]
    return Trial(name, round(len(same) / seconds, 1), round(float(same.mean()), 5), round(float(cosines.mean()), 5))


def choose(trials: Sequence[Trial]) -> tuple[Trial, str]:
    """The fastest trial that agrees with float32, and why it won.

    Raises:
        ValueError: none of them ran.
    """
    ran = [trial for trial in trials if not trial.fault]
    agreeing = [trial for trial in ran if trial.agrees]
    best = max(agreeing or ran, key=lambda trial: trial.messages_per_second)
    if len(trials) == 1:
        return best, "the only one that the settings allow" + ("" if agreeing else ", though it differs from fp32")
    refused = [trial.name for trial in ran if not trial.agrees]
    why = f"the fastest of {len(agreeing)} that agree with fp32"
    return best, why + (f"; {', '.join(refused)} refused" if refused else "")


def choose_budget(rates: Sequence[tuple[int, float]]) -> int:
    """The smallest budget whose rate nearly reaches the best.

    Args:
        rates: (tokens, messages per second), not empty.
    """
    best = max(rate for _, rate in rates)
    return min(tokens for tokens, rate in rates if rate >= NEARLY * best)
