"""The protocol between the pipeline and whatever model answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from textsieve.worker.records import Predictions


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What a result says about the model that made it.

    `fingerprint` identifies the embedding space (encoder weights, pooling, window): centroids learned with
    another fingerprint never mix with these.
    """

    name: str
    version: str
    labels: tuple[str, ...]
    dim: int
    max_tokens: int
    fingerprint: str
    multi_label: bool = False  # True: probabilities are independent per label and need not sum to 1
    pooling: str = ""  # makes the embedding from those of the tokens
    engine: str = ""  # what runs the network, and in which precision: answers differ a little between them
    thresholds: Mapping[str, float] = field(default_factory=dict)  # label -> least probability that it is given for


class Meter(Protocol):
    """Told what a predictor spends; times are in seconds."""

    def tokenized(self, *, seconds: float) -> None:
        """The texts of one call were tokenised."""
        ...

    def passed(self, *, seconds: float, real_tokens: int, padding_tokens: int) -> None:
        """The device answered one padded batch, and its answer was copied back."""
        ...

    def out_of_memory(self) -> None:
        """A device batch did not fit and is halved."""
        ...

    def looked_up(self, *, hits: int, misses: int) -> None:
        """Of the texts of one call so many were repeats, and so many went to the model."""
        ...


class NoMeter:
    """A meter that nobody reads."""

    def tokenized(self, *, seconds: float) -> None:
        """See Meter."""

    def passed(self, *, seconds: float, real_tokens: int, padding_tokens: int) -> None:
        """See Meter."""

    def out_of_memory(self) -> None:
        """See Meter."""

    def looked_up(self, *, hits: int, misses: int) -> None:
        """See Meter."""


class Predictor(Protocol):
    """One encoder pass that answers both questions."""

    @property
    def card(self) -> ModelCard:
        """Name, version, labels and sizes of the model."""
        ...

    def predict(self, texts: Sequence[str]) -> Predictions:
        """Classify and embed; row i of every array belongs to texts[i].

        Args:
            texts: any number of non-empty strings, in any order and of any length.

        Raises:
            DeviceOutOfMemory: the device could not hold even a small batch.
            PredictorError: the model failed on these texts.
        """
        ...


@runtime_checkable
class Metered(Protocol):
    """A predictor that can say what its calls spend.

    Attributes:
        meter: NoMeter until the worker puts its own there.
    """

    meter: Meter


@runtime_checkable
class TimeLimited(Protocol):
    """A predictor whose calls can be kept short.

    Attributes:
        max_seconds: None, and all texts are answered; or a call answers the first texts that take about so long, at
            least one, and returns fewer rows than it was given texts.
    """

    max_seconds: float | None
