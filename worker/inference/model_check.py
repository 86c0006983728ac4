"""What a model is, as far as its folder and a few texts tell: `check --model`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import util

import numpy as np

from textsieve.worker.errors import ConfigurationError
from textsieve.worker.inference.artifact_cache import ArtifactCache
from textsieve.worker.inference.building.calibration_texts import calibration_texts
from textsieve.worker.inference.building.engine_builder import EngineBuilder
from textsieve.worker.inference.cpu_info import this_cpu
from textsieve.worker.inference.decisions import argmax_label, assigned_labels
from textsieve.worker.inference.engines.report import EngineReport
from textsieve.worker.inference.loading import load_predictor, read_model
from textsieve.worker.inference.model_folder.label_map import score_map_bytes, too_many_labels
from textsieve.worker.inference.model_folder.tokenizer import Tokenizer
from textsieve.worker.inference.predictor import Predictor
from textsieve.worker.records import Predictions
from textsieve.worker.settings import ModelSettings

SAMPLES = 40  # calibration texts that are answered twice: a second or two of one core
TEXT = "Congratulations, you have won! Call now to claim your prize."


@dataclass(frozen=True, slots=True)
class Agreement:
    """How near the engine's answers are to those in float32, on some of the calibration texts.

    Float32 is torch's, or where torch is not installed that of the shipped graph.

    Attributes:
        same_labels: share of texts, 0..1.
        largest_difference: of two probabilities.
        mean_cosine: of embeddings.
    """

    texts: int
    same_labels: float
    largest_difference: float
    mean_cosine: float


@dataclass(frozen=True, slots=True)
class SampleAnswer:
    """One text, answered alone and in a batch with others.

    Attributes:
        largest_difference: between the two, of a probability or a number of the embedding.
    """

    text: str
    alone: Mapping[str, float]
    in_a_batch: Mapping[str, float]
    largest_difference: float


@dataclass(frozen=True, slots=True)
class ModelCheck:
    """What was found.

    Attributes:
        max_tokens: of a window, special tokens included.
        batches: which texts share one.
        score_map_bytes: about how large the scores of one result are.
        fingerprint: of the embedding space.
        agreement: None where the engine is the reference; why there is none, where it could not be told.
    """

    model: str
    labels: tuple[str, ...]
    multi_label: bool
    thresholds: dict[str, float]
    pooling: str
    prefix: str
    dim: int
    fingerprint: str
    max_tokens: int
    max_windows: int
    batches: str
    score_map_bytes: int
    engine: EngineReport | None
    agreement: Agreement | str | None
    tried: SampleAnswer
    warnings: tuple[str, ...]


def check_model(settings: ModelSettings, *, max_message_bytes: int, text: str = TEXT) -> ModelCheck:
    """Load a model as a worker would and let it answer.

    Args:
        settings: name it.
        max_message_bytes: of a result.
        text: that is tried.

    Raises:
        ConfigurationError: the model cannot be served; the message says why.
        PredictorError: it fails on these texts.
    """
    predictor = load_predictor(settings)
    card, tokenizer = predictor.card, predictor.tokenizer
    if not isinstance(tokenizer, Tokenizer):
        raise TypeError(f"expected a Tokenizer, got {type(tokenizer).__name__}")
    size, texts = score_map_bytes(card.labels), calibration_texts(tokenizer.tokenize)
    return ModelCheck(
        model=f"{card.name} {card.version}",
        labels=card.labels,
        multi_label=card.multi_label,
        thresholds=dict(card.thresholds),
        pooling=card.pooling,
        prefix=tokenizer.prefix,
        dim=card.dim,
        fingerprint=card.fingerprint,
        max_tokens=card.max_tokens,
        max_windows=tokenizer.max_windows,
        batches="texts of one length" if tokenizer.unpadded else "texts of any length",
        score_map_bytes=size,
        engine=predictor.report,
        agreement=_agreement(predictor, settings, texts),
        tried=_tried(predictor, text, texts[:5]),
        warnings=tuple(filter(None, [too_many_labels(card.labels, max_message_bytes=max_message_bytes)])),
    )


def _agreement(predictor: Predictor, settings: ModelSettings, texts: Sequence[str]) -> Agreement | str | None:
    engine = "torch" if util.find_spec("torch") is not None or not _has_shipped_graph(settings) else "onnx"
    if predictor.card.engine == f"{engine} fp32":
        return None
    plain = {"engine": engine, "precision": "fp32", "max_batch_tokens": 512, "device": "cpu"}
    try:
        reference = load_predictor(settings.model_copy(update=plain))
    except ConfigurationError as error:
        return f"not known: {error}"
    texts = texts[:: max(1, len(texts) // SAMPLES)][:SAMPLES]
    found, expected = predictor.predict(texts), reference.predict(texts)
    return Agreement(
        texts=len(texts),
        same_labels=float((_labels(found, predictor) == _labels(expected, predictor)).mean()),
        largest_difference=float(np.abs(found.probabilities - expected.probabilities).max(initial=0.0)),
        mean_cosine=float((found.embeddings * expected.embeddings).sum(axis=1).mean()),
    )


def _has_shipped_graph(settings: ModelSettings) -> bool:
    """Whether a graph in float32 is shipped, which a test holds to torch bit for bit."""
    return EngineBuilder(read_model(settings), ArtifactCache(None), this_cpu()).is_proven()


def _labels(answers: Predictions, predictor: Predictor) -> np.ndarray:
    return argmax_label(answers.probabilities, assigned_labels(answers.probabilities, predictor.card))


def _tried(predictor: Predictor, text: str, others: Sequence[str]) -> SampleAnswer:
    alone, together = (
        predictor.predict([text]),
        predictor.predict([text, "ok", f"{text} {text}", *others]),
    )
    differences = [
        np.abs(first[0] - second[0]).max(initial=0.0)
        for first, second in ((alone.probabilities, together.probabilities), (alone.embeddings, together.embeddings))
    ]
    return SampleAnswer(
        text=text,
        alone=_scores(alone, predictor),
        in_a_batch=_scores(together, predictor),
        largest_difference=float(max(differences)),
    )


def _scores(answers: Predictions, predictor: Predictor) -> dict[str, float]:
    """Of the first text, the five likeliest labels."""
    order = np.argsort(-answers.probabilities[0], kind="stable")[:5]
    return {predictor.card.labels[index]: round(float(answers.probabilities[0][index]), 6) for index in order}
