"""One message through all stages, with a model and clusters whose answer is known."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from textsieve.worker.inference.predictor import ModelCard
from textsieve.worker.pipeline import build_pipeline
from textsieve.worker.records import NO_CLUSTER, Assignments, Embeddings, Outgoing, Predictions, Record
from textsieve.worker.settings import InputSettings, ModelSettings, OutputSettings, RedactSettings, Settings

PROCESSED_MS = 2000


@dataclass(frozen=True)
class KnownModel:
    """Gives the same answer to every text."""

    probabilities: Sequence[float] = (0.1, 0.9)
    embedding: Sequence[float] = (0.6, -0.8, 1 / 3)
    multi_label: bool = False
    card: ModelCard = field(init=False)

    def __post_init__(self) -> None:
        card = ModelCard("sms-spam", "1", ("ham", "spam"), 3, 256, "known", multi_label=self.multi_label)
        object.__setattr__(self, "card", card)

    def predict(self, texts: Sequence[str]) -> Predictions:
        rows = len(texts)
        return Predictions(
            np.tile(np.asarray(self.probabilities, np.float32), (rows, 1)),
            np.tile(np.asarray(self.embedding, np.float32), (rows, 1)),
            np.ones(rows, np.int64),
            np.zeros(rows, np.bool_),
        )


def third(embeddings: Embeddings) -> Assignments:
    """Every text in cluster 3."""
    return Assignments(np.full(len(embeddings), 3), np.full(len(embeddings), 0.5, np.float32), 7)


def unseeded(embeddings: Embeddings) -> Assignments:
    """No text in any cluster, as before there are centroids."""
    return Assignments(np.full(len(embeddings), NO_CLUSTER), np.zeros(len(embeddings), np.float32), 0)


def answer(
    record: Record,
    *,
    model: KnownModel | None = None,
    assign: Any = third,
    incoming: InputSettings | None = None,
    rules: Sequence[str] | None = None,
    redact: RedactSettings | None = None,
    **outgoing: object,
) -> Outgoing:
    """The one result or dead letter; what is not named here is an output setting."""
    settings = Settings(
        input=incoming or InputSettings(),
        output=OutputSettings(**outgoing),
        redact=redact or RedactSettings(),
        model=ModelSettings() if rules is None else _reading_by(rules),
    )
    pipeline = build_pipeline(settings, predictor=model or KnownModel(), assign=assign, now_ms=lambda: PROCESSED_MS)
    outcome = pipeline.process([record])
    (found,) = (*outcome.results, *outcome.dead_letters)
    return found


def _reading_by(rules: Sequence[str]) -> ModelSettings:
    return ModelSettings(normalize_rules=list(rules)) if rules else ModelSettings(normalize=False)
