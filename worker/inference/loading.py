"""Chooses what `model.path` names and loads it."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from textsieve.worker import logs
from textsieve.worker.errors import ConfigurationError
from textsieve.worker.inference.building.model import Model, require_torch
from textsieve.worker.inference.building.warmup import warmed_up
from textsieve.worker.inference.bundle.manifest import SHIPPED
from textsieve.worker.inference.bundle.reading import is_bundle, read_bundle
from textsieve.worker.inference.cpu_info import allowed_processors
from textsieve.worker.inference.model_factories import (
    DEFAULT,
    bundle_model,
    classifier_model,
    read_bare_encoder,
    zero_shot_model,
)
from textsieve.worker.inference.model_folder.folder import read_config
from textsieve.worker.inference.model_folder.model_files import model_folder
from textsieve.worker.inference.multilingual.folder import MULTILINGUAL, multilingual_folder
from textsieve.worker.inference.prediction.transformer import TransformerPredictor
from textsieve.worker.inference.predictor import Predictor
from textsieve.worker.inference.tuning.selection import OpenedModel, open_predictor, select_predictor
from textsieve.worker.settings import ModelSettings

if TYPE_CHECKING:
    from textsieve.worker.inference.networks.encoder import Encoder

log = logs.get_logger("model")

Kind = Literal["bundle", "classifier", "zero-shot"]


def load_predictor(settings: ModelSettings) -> TransformerPredictor:
    """Load whatever `model.path` names, find its fastest engine, and let it answer once.

    Raises:
        ConfigurationError: something is missing, broken or does not fit; the message says what and what to change.
    """
    settings = on_this_machine(settings)
    model = read_model(settings)
    return warmed_up(model, lambda: select_predictor(model, settings))


def open_model(settings: ModelSettings) -> OpenedModel:
    """`load_predictor` for those who cannot wait: where the fastest engine is not known yet, a safe one serves.

    Raises:
        ConfigurationError: as `load_predictor`.
    """
    settings = on_this_machine(settings)
    model = read_model(settings)
    opened: list[OpenedModel] = []

    def open_it() -> TransformerPredictor:
        opened.append(open_predictor(model, settings))
        return opened[0].predictor

    warmed_up(model, open_it)
    return opened[0]


def read_model(settings: ModelSettings) -> Model:
    """What `model.path` names, as far as its files tell.

    Raises:
        ConfigurationError: as `load_predictor`.
    """
    folder = _folder(settings)
    kind = _kind(folder, settings)
    if settings.labels and kind != "zero-shot":
        raise ConfigurationError(
            f"model.labels: descriptions make a zero-shot model, but model.kind is {kind}; "
            "remove model.labels or set model.kind to zero-shot"
        )
    match kind:
        case "bundle":
            return bundle_model(read_bundle(folder), settings)
        case "classifier":
            return classifier_model(folder, settings)
        case "zero-shot":
            return zero_shot_model(folder, settings)


def load_embedder(settings: ModelSettings) -> "tuple[Predictor, Encoder]":
    """A predictor without labels over the encoder that `model.path` names, and that encoder; both by torch.

    Raises:
        ConfigurationError: the encoder is missing or broken, or torch is.
    """
    settings = on_this_machine(settings)
    folder = _folder(settings)
    require_torch(folder)
    from textsieve.worker.inference.building.torch_builder import load_bare_encoder  # noqa: PLC0415  # imports torch: seconds
    from textsieve.worker.inference.embedding import embedding_predictor  # noqa: PLC0415  # as above

    encoder = load_bare_encoder(read_bare_encoder(folder, settings), settings)
    return embedding_predictor(encoder, settings), encoder


def on_this_machine(settings: ModelSettings) -> ModelSettings:
    """The settings with no more threads than there are processors: more of them wait for each other at every step."""
    allowed = allowed_processors()
    if settings.threads is None or settings.threads <= allowed:
        return settings
    log.warning("more threads than processors: as many as processors are used", threads=settings.threads, used=allowed)
    return settings.model_copy(update={"threads": allowed})


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
    architectures = [str(name) for name in read_config(folder).get("architectures") or ()]
    if any(name.endswith("ForSequenceClassification") for name in architectures):
        return "classifier"
    raise ConfigurationError(
        f"{folder}: expected a bundle or a sequence classifier, got {', '.join(architectures) or 'neither'}; "
        "an encoder alone needs model.labels (label -> descriptions), or train a head with `python -m trainer fit`"
    )
