"""Which engine to run: the fastest of those whose answers agree with float32."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Literal

import numpy as np

from textsieve.worker.inference.decisions import expected_loss, given_labels
from textsieve.worker.inference.predictor import ModelCard
from textsieve.worker.inference.tokens import Tokens, first_rows
from textsieve.worker.records import Predictions

EngineName = Literal["torch", "onnx"]
Precision = Literal["fp32", "bf16", "fp16", "int8"]

MOST_LOSS = 0.002  # expected loss, mean over texts: of a thousand decisions two more than float32's are wrong
LEAST_COSINE = 0.995  # mean over texts, between the embedding and that in float32: 6 degrees; clusters use it
LEAST_SPREAD = 0.05  # share of texts outside the commonest label: with fewer, equal labels prove nothing
MOST_SHIFT = 0.02  # mean over texts of the largest change of a probability; counts where labels prove nothing
NEARLY = 0.97  # of the best rate: a budget that reaches it and is smaller wins, for it holds less memory

BUDGETS = (256, 512, 1024)  # tokens tried for a device batch: below, calls cost more; above, caches overflow
FIRST_BUDGET = 512  # tokens; what engines are compared with

LONG_CHARACTERS = (500, 900, 1400, 2200)  # about 120 to 550 tokens: beyond the reach of attention that is local
LONG_TEXTS = 8  # few, since they take as long as all the others; answered, not timed
BLANKS = (" ", "\u3000", "\u200b", "\n\t ", ".")  # what tokenizers make nothing of


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
ONNX_FP32 = Candidate("onnx", "fp32")  # the graph that others are made from
ONNX_INT8 = Candidate("onnx", "int8")


@dataclass(frozen=True, slots=True)
class Trial:
    """What a candidate did on the calibration texts.

    Attributes:
        name: of the candidate.
        messages_per_second: at the budget that the comparison ran with, 0 where it did not run.
        label_agreement: share of texts with the labels that float32 gives them.
        mean_cosine: between its embeddings and those in float32.
        fault: why it did not run, or was not run to the end; "" where it was.
        loss: see `worker.inference.decisions.expected_loss`; mean over texts.
        shift: largest change of a probability of a text, mean over texts.
        labels_tell: whether float32 gives the texts labels that differ enough for `loss` to prove anything.
    """

    name: str
    messages_per_second: float = 0.0
    label_agreement: float = 0.0
    mean_cosine: float = 0.0
    fault: str = ""
    loss: float = 1.0
    shift: float = 1.0
    labels_tell: bool = True

    @property
    def agrees(self) -> bool:
        """Whether it ran and lies within the bounds."""
        near = self.loss <= MOST_LOSS and self.mean_cosine >= LEAST_COSINE
        return not self.fault and near and (self.labels_tell or self.shift <= MOST_SHIFT)


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
        settled: whether the trials came to their end; else this is the best so far.
    """

    engine: EngineName
    precision: Precision
    why: str
    max_batch_tokens: int
    threads: int
    trials: tuple[Trial, ...] = ()
    seconds: float = 0.0
    cached: bool = False
    settled: bool = False

    @property
    def candidate(self) -> Candidate:
        """What was taken."""
        return Candidate(self.engine, self.precision)


def calibration_texts(tokenize: Callable[[Sequence[str]], Tokens] | None = None) -> list[str]:
    """Texts of our own of many topics, languages and scripts: short ones, long ones of several of them, and blanks.

    Args:
        tokenize: texts of which it makes no token at all are left out, for no network answers them.
    """
    texts = resources.files("textsieve.worker.inference").joinpath("calibration.txt")
    lines = texts.read_text(encoding="utf-8").splitlines()
    short = [line for line in lines if line and not line.startswith("# ")]
    found = [*short, *_long(short), *BLANKS]
    if tokenize is None:
        return found
    tokens = tokenize(found)
    lengths = tokens.lengths if tokens.windows is None else tokens.lengths[first_rows(tokens.windows)]  # [texts]
    return [text for text, length in zip(found, lengths.tolist(), strict=True) if length]


def _long(lines: Sequence[str]) -> list[str]:
    """Texts of many lines; each begins at another one, so that they have little in common."""
    texts = []
    for number in range(LONG_TEXTS):
        start = number * len(lines) // LONG_TEXTS
        text = ""
        for line in [*lines[start:], *lines]:
            text = f"{text}\n{line}".strip()
            if len(text) >= LONG_CHARACTERS[number % len(LONG_CHARACTERS)]:
                break
        texts.append(text)
    return texts


def compare(name: str, answers: Predictions, reference: Predictions, *, rate: float, card: ModelCard) -> Trial:
    """A trial from the answers of a candidate and those of float32 to the same texts.

    Args:
        name: of the candidate.
        answers: the candidate's.
        reference: float32's.
        rate: texts per second of the candidate.
        card: of the model: how labels follow from probabilities.
    """
    given, wanted = (given_labels(one.probabilities, card) for one in (answers, reference))  # [texts, labels]
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
