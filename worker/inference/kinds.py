"""One function for each kind of model: from its files to a predictor that answered once."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import nn

from worker import logs
from worker.errors import ConfigurationError, PredictorError
from worker.inference.bundle import Bundle, is_bundle, read_bundle
from worker.inference.calibration import FIRST_BUDGET
from worker.inference.encoder import Encoder, load_classifier, load_encoder
from worker.inference.encoders import encoder_folder
from worker.inference.engines.torch import TorchEngine, choose_device, choose_dtype
from worker.inference.heads import Head
from worker.inference.layers import NoHead, unchanged
from worker.inference.multilingual.folder import MULTILINGUAL, NAME
from worker.inference.networks import ClassifierNetwork, EncoderNetwork
from worker.inference.predictor import ModelCard, Predictor
from worker.inference.selection import select_predictor
from worker.inference.sources import PACKAGE, package_folder
from worker.inference.thresholds import with_thresholds
from worker.inference.transformer import TransformerPredictor
from worker.inference.workshop import Model
from worker.inference.zeroshot import zero_shot_head
from worker.settings import ModelSettings

log = logs.get_logger("model")

DEFAULT = "default"  # the value of model.path that needs no download

_FIRST_WORDS = ("first words", "and a few more of them")  # of two lengths: padding is tried, too


def bundle_predictor(bundle: Bundle, settings: ModelSettings) -> TransformerPredictor:
    """The head of a bundle over its encoder.

    Raises:
        ConfigurationError: head and encoder do not belong together, or the encoder is broken.
    """
    manifest = bundle.manifest
    encoder = _load_bundle_encoder(bundle, settings)
    network = EncoderNetwork(
        encoder.model,
        pooling=encoder.pooling,
        head=nn.Identity(),
        activation=unchanged,
        head_pooling=manifest.head_pooling,
        dense=encoder.dense,
    )
    head = Head(multi_label=manifest.multi_label, weight=bundle.weight, bias=bundle.bias)
    card = _card(
        encoder,
        name=manifest.name,
        version=_bundle_version(bundle, encoder),
        labels=manifest.labels,
        multi_label=manifest.multi_label,
    )
    return _predictor(network, head, with_thresholds(card, settings, of_bundle=manifest.thresholds), encoder, settings)


def classifier_predictor(folder: Path, settings: ModelSettings) -> TransformerPredictor:
    """A Hugging Face sequence classifier as it is.

    Raises:
        ConfigurationError: its files are broken, or it has nothing to choose between.
    """
    encoder = load_classifier(
        folder,
        max_tokens=settings.max_tokens,
        max_windows=settings.max_windows,
        prefix=settings.prefix,
        dtype=_dtype(settings),
    )
    head = encoder.files.head
    if head is None:  # read as a classifier, so it has one
        raise TypeError("expected the folder of a classifier")
    if head.nameless:
        log.warning("the labels have no names: set id2label in config.json", labels=list(head.labels[:3]))
    network = ClassifierNetwork(encoder.model, activation=unchanged)
    card = _card(
        encoder,
        name=_name(settings, folder),
        version=f"{settings.revision}+{encoder.files.version[:8]}" if settings.revision else encoder.files.version,
        labels=head.labels,
        multi_label=head.multi_label,
    )
    return _predictor(network, Head(head.multi_label), with_thresholds(card, settings), encoder, settings)


def zero_shot_predictor(folder: Path, settings: ModelSettings) -> TransformerPredictor:
    """An encoder whose labels are the descriptions of `model.labels`.

    Raises:
        ConfigurationError: as `zero_shot_head`, or a broken encoder.
    """
    encoder = load_bare_encoder(folder, settings)
    embedder = embedding_predictor(encoder, settings)
    network = EncoderNetwork(
        encoder.model,
        pooling=encoder.pooling,
        head=nn.Identity(),
        activation=unchanged,
        dense=encoder.dense,
    )
    head = zero_shot_head(settings.labels, embedder, settings)
    card = _card(
        encoder,
        name=f"{_name(settings, folder)}-zero-shot",
        version=_labels_version(settings, encoder),
        labels=tuple(settings.labels),
        multi_label=False,
    )
    return _predictor(network, head, with_thresholds(card, settings), encoder, settings)


def load_bare_encoder(folder: Path, settings: ModelSettings) -> Encoder:
    """The encoder of the default, of a bundle or of a Hugging Face folder, without any head.

    Raises:
        ConfigurationError: it is missing or broken.
    """
    if settings.path != DEFAULT and is_bundle(folder):
        return _load_bundle_encoder(read_bundle(folder), settings)
    return load_encoder(
        package_folder() if settings.path == DEFAULT else folder,
        max_tokens=settings.max_tokens,
        max_windows=settings.max_windows,
        prefix=settings.prefix,
        dtype=_dtype(settings),
    )


def _load_bundle_encoder(bundle: Bundle, settings: ModelSettings) -> Encoder:
    manifest = bundle.manifest
    encoder = load_encoder(
        encoder_folder(bundle, cache=settings.cache_folder),
        max_tokens=settings.max_tokens or manifest.max_tokens,
        max_windows=settings.max_windows,
        pooling=manifest.pooling,
        prefix=manifest.prefix if settings.prefix is None else settings.prefix,
        dtype=_dtype(settings),
    )
    if encoder.weights_sha256 != manifest.encoder.sha256:
        raise ConfigurationError(
            f"{bundle.folder}: the head belongs to an encoder with sha256 {manifest.encoder.sha256}, "
            f"came {encoder.weights_sha256}; copy the bundle again or train it anew"
        )
    if bundle.weight.shape[1] != encoder.dim:
        raise ConfigurationError(
            f"{bundle.folder}: expected a head for embeddings of {encoder.dim} numbers, came one for "
            f"{bundle.weight.shape[1]}; train the bundle anew"
        )
    return encoder


def embedding_predictor(encoder: Encoder, settings: ModelSettings) -> Predictor:
    """A predictor without labels, always by torch: its probabilities are [batch, 0].

    Raises:
        ConfigurationError: the encoder does not answer.
    """
    network = EncoderNetwork(
        encoder.model, pooling=encoder.pooling, head=NoHead(), activation=unchanged, dense=encoder.dense
    )
    card = _card(encoder, name=encoder.folder.name, version="", labels=(), multi_label=True)
    with _refusing(encoder, card):
        predictor = TransformerPredictor(
            card,
            tokenizer=encoder.tokenizer,
            engine=TorchEngine(network, device=choose_device(settings.device)),
            max_batch_tokens=settings.max_batch_tokens or FIRST_BUDGET,
        )
        predictor.predict(_FIRST_WORDS)
    return predictor


def _predictor(
    network: nn.Module, head: Head, card: ModelCard, encoder: Encoder, settings: ModelSettings
) -> TransformerPredictor:
    identity = f"{encoder.config.to_json_string()}/{network}"  # a module spells out its parts
    with _refusing(encoder, card):
        model = Model(network=network, head=head, tokenizer=encoder.tokenizer, card=card, identity=identity)
        predictor = select_predictor(model, settings)
        predictor.predict(_FIRST_WORDS)
    return predictor


@contextmanager
def _refusing(encoder: Encoder, card: ModelCard) -> Iterator[None]:
    """What fails at its first words is not served."""
    try:
        yield
    except (PredictorError, ValueError) as error:  # ValueError: an answer of another shape than the card says
        raise ConfigurationError(
            f"{encoder.folder}: expected a model that answers a short text with {len(card.labels)} probabilities and "
            f"{card.dim} numbers, came: {error} ({error.__cause__}); choose another model, model.kind or model.device"
        ) from error


def _card(encoder: Encoder, *, name: str, version: str, labels: Sequence[str], multi_label: bool) -> ModelCard:
    return ModelCard(
        name=name,
        version=version,
        labels=tuple(labels),
        dim=encoder.dim,
        max_tokens=encoder.max_tokens,
        fingerprint=encoder.fingerprint,
        multi_label=multi_label,
    )


def _dtype(settings: ModelSettings) -> torch.dtype:
    return choose_dtype(settings.precision, device=choose_device(settings.device))


def _name(settings: ModelSettings, folder: Path) -> str:
    if settings.path in (DEFAULT, MULTILINGUAL):
        return PACKAGE if settings.path == DEFAULT else NAME
    return folder.resolve().name if Path(settings.path).expanduser().is_dir() else settings.path


def _bundle_version(bundle: Bundle, encoder: Encoder) -> str:
    """The bundle's own, and eight hex digits more where the settings have it read texts otherwise than it was made."""
    manifest = bundle.manifest
    if (encoder.max_tokens, encoder.files.prefix) == (manifest.max_tokens, manifest.prefix):
        return manifest.version
    return f"{manifest.version}+reading.{encoder.fingerprint[:8]}"


def _labels_version(settings: ModelSettings, encoder: Encoder) -> str:
    """12 hex digits that change when the encoder, a label, a description or how near counts does."""
    parts = [
        settings.labels,
        settings.temperature,
        settings.least_similarity,
        settings.rules,
        encoder.fingerprint,
    ]
    return hashlib.sha256(json.dumps(parts, ensure_ascii=True).encode()).hexdigest()[:12]
