"""Chooses what `model.path` names and loads it."""

from pathlib import Path
from typing import Literal

import torch

from worker.errors import ConfigurationError
from worker.inference.bundle import SHIPPED, is_bundle, read_bundle
from worker.inference.encoder import Encoder, load_config
from worker.inference.kinds import (
    DEFAULT,
    bundle_predictor,
    classifier_predictor,
    embedding_predictor,
    load_bare_encoder,
    zero_shot_predictor,
)
from worker.inference.multilingual.folder import MULTILINGUAL, multilingual_folder
from worker.inference.predictor import Predictor
from worker.inference.sources import model_folder
from worker.inference.transformer import TransformerPredictor
from worker.settings import ModelSettings

Kind = Literal["bundle", "classifier", "zero-shot"]


def load_predictor(settings: ModelSettings) -> TransformerPredictor:
    """Load whatever `model.path` names and let it answer once.

    `threads` is applied to the whole process: torch has one pool.

    Raises:
        ConfigurationError: something is missing, broken or does not fit; the message says what and what to change.
    """
    if settings.threads is not None:
        torch.set_num_threads(settings.threads)
    folder = _folder(settings)
    kind = _kind(folder, settings)
    if settings.labels and kind != "zero-shot":
        raise ConfigurationError(
            f"model.labels: descriptions make a zero-shot model, but model.kind is {kind}; "
            "remove model.labels or set model.kind to zero-shot"
        )
    match kind:
        case "bundle":
            return bundle_predictor(read_bundle(folder), settings)
        case "classifier":
            return classifier_predictor(folder, settings)
        case "zero-shot":
            return zero_shot_predictor(folder, settings)


def load_embedder(settings: ModelSettings) -> tuple[Predictor, Encoder]:
    """A predictor without labels over the encoder that `model.path` names, and that encoder.

    Raises:
        ConfigurationError: the encoder is missing or broken.
    """
    if settings.threads is not None:
        torch.set_num_threads(settings.threads)
    encoder = load_bare_encoder(_folder(settings), settings)
    return embedding_predictor(encoder, settings), encoder


def _folder(settings: ModelSettings) -> Path:
    if settings.path == DEFAULT:
        return SHIPPED
    if settings.path == MULTILINGUAL:
        return multilingual_folder(settings.cache_folder)
    return model_folder(settings.path, revision=settings.revision)


def _kind(folder: Path, settings: ModelSettings) -> Kind:
    if settings.kind != "auto":
        return settings.kind
    if settings.labels:
        return "zero-shot"
    if is_bundle(folder):
        return "bundle"
    architectures = load_config(folder).architectures or []
    if any(name.endswith("ForSequenceClassification") for name in architectures):
        return "classifier"
    raise ConfigurationError(
        f"{folder}: expected a bundle or a sequence classifier, came {', '.join(architectures) or 'neither'}; "
        "an encoder alone needs model.labels (label -> descriptions), or train a head with `python -m trainer fit`"
    )
