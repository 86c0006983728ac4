"""What runs a network, how it compared with float32, and why it was chosen."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

EngineName = Literal["torch", "onnx"]
Precision = Literal["fp32", "bf16", "fp16", "int8"]
MOST_LOSS = 0.002  # expected loss, mean over texts: of a thousand decisions two more than float32's are wrong
LEAST_COSINE = 0.995  # mean over texts, between the embedding and that in float32: 6 degrees; clusters use it
MOST_SHIFT = 0.02  # mean over texts of the largest change of a probability; counts where labels prove nothing
DEFAULT_BATCH_TOKENS = 512  # tokens; what engines are compared with
MOST_BATCH_TOKENS = 1024  # the largest budget that is tried on a CPU: beyond, caches overflow


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

    def fault(self, allowed: Collection[Candidate]) -> str:
        """What is wrong with a report that was kept, in words that follow "got"; "" where nothing is.

        Args:
            allowed: the candidates of the search that it was kept for.
        """
        if self.candidate not in allowed:
            return f"{self.candidate.name}, which is none of {', '.join(one.name for one in allowed)}"
        if not 0 < self.max_batch_tokens <= MOST_BATCH_TOKENS:
            return f"device batches of {self.max_batch_tokens} tokens"
        trials = {trial.name: trial for trial in self.trials}
        if self.settled and trials.keys() != {one.name for one in allowed}:
            return f"trials of {', '.join(trials) or 'nothing'}"
        if self.settled and trials[self.candidate.name].fault:
            return f"{self.candidate.name}, which did not run"
        return ""
