"""One function for each kind of model: from its files to all that an engine is made from, without torch."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from textsieve.worker import logs
from textsieve.worker.errors import ConfigurationError
from textsieve.worker.inference.building.model import Model
from textsieve.worker.inference.bundle.encoder_source import checked_hashes, encoder_folder
from textsieve.worker.inference.bundle.reading import Bundle, is_bundle, read_bundle
from textsieve.worker.inference.heads.linear import Head
from textsieve.worker.inference.heads.thresholds import with_thresholds
from textsieve.worker.inference.heads.zero_shot import zero_shot_head
from textsieve.worker.inference.model_folder.folder import ModelFolder, ReadOptions
from textsieve.worker.inference.model_folder.model_files import PACKAGE, package_folder, package_hashes
from textsieve.worker.inference.model_folder.reading import read_classifier_folder, read_encoder_folder
from textsieve.worker.inference.multilingual.folder import MULTILINGUAL, NAME, multilingual_hashes
from textsieve.worker.inference.predictor import ModelCard
from textsieve.worker.inference.tuning.selection import reference_predictor
from textsieve.worker.settings import ModelSettings

log = logs.get_logger("model")

DEFAULT = "default"  # the value of model.path that needs no download


def bundle_model(bundle: Bundle, settings: ModelSettings) -> Model:
    """The head of a bundle over its encoder.

    Raises:
        ConfigurationError: head and encoder do not belong together, or the encoder is broken.
    """
    manifest = bundle.manifest
    files = _read_bundle_encoder(bundle, settings)
    card = card_of(
        files,
        name=manifest.name,
        version=_bundle_version(bundle, files),
        labels=manifest.labels,
        multi_label=manifest.multi_label,
    )
    return Model(
        files=files,
        head=Head(multi_label=manifest.multi_label, weight=bundle.weight, bias=bundle.bias),
        card=with_thresholds(card, settings, of_bundle=manifest.thresholds),
        head_pooling=manifest.head_pooling,
    )


def classifier_model(folder: Path, settings: ModelSettings) -> Model:
    """A Hugging Face sequence classifier as it is.

    Raises:
        ConfigurationError: its files are broken, or it has nothing to choose between.
    """
    files = read_classifier_folder(
        folder, ReadOptions(settings.max_tokens, settings.max_windows, None, settings.prefix)
    )
    if files.head is None:  # read as a classifier, so it has one
        raise TypeError("expected the folder of a classifier")
    if files.head.nameless:
        log.warning("the labels have no names: set id2label in config.json", labels=list(files.head.labels[:3]))
    card = card_of(
        files,
        name=_name(settings, folder),
        version=f"{settings.revision}+{files.version[:8]}" if settings.revision else files.version,
        labels=files.head.labels,
        multi_label=files.head.multi_label,
    )
    return Model(files, Head(multi_label=files.head.multi_label), with_thresholds(card, settings))


def zero_shot_model(folder: Path, settings: ModelSettings) -> Model:
    """An encoder whose labels are the descriptions of `model.labels`.

    Raises:
        ConfigurationError: as `zero_shot_head`, or a broken encoder.
    """
    files = read_bare_encoder(folder, settings)
    card = card_of(
        files,
        name=f"{_name(settings, folder)}-zero-shot",
        version=_labels_version(settings, files),
        labels=tuple(settings.labels),
        multi_label=False,
    )
    embedder = reference_predictor(embedding_model(files), settings)
    return Model(files, zero_shot_head(settings.labels, embedder, settings), with_thresholds(card, settings))


def embedding_model(files: ModelFolder) -> Model:
    """An encoder without labels: its probabilities are [batch, 0]."""
    nothing = np.zeros((0, files.dim), dtype=np.float32)
    card = card_of(files, name=files.folder.name, version="", labels=(), multi_label=True)
    return Model(files, Head(multi_label=True, weight=nothing, bias=nothing[:, 0]), card)


def read_bare_encoder(folder: Path, settings: ModelSettings) -> ModelFolder:
    """What the folder of the default, of a bundle or of a Hugging Face encoder says, without any head.

    Raises:
        ConfigurationError: it is missing or broken.
    """
    if settings.path != DEFAULT and is_bundle(folder):
        return _read_bundle_encoder(read_bundle(folder), settings)
    options = ReadOptions(settings.max_tokens, settings.max_windows, None, settings.prefix)
    if settings.path == DEFAULT:
        folder = package_folder()
        return read_encoder_folder(folder, options, known=package_hashes(folder))
    known = multilingual_hashes(folder) if settings.path == MULTILINGUAL else None
    return read_encoder_folder(folder, options, known=known)


def _read_bundle_encoder(bundle: Bundle, settings: ModelSettings) -> ModelFolder:
    manifest = bundle.manifest
    folder = encoder_folder(bundle, cache=settings.cache_folder)
    files = read_encoder_folder(
        folder,
        ReadOptions(
            max_tokens=settings.max_tokens or manifest.max_tokens,
            max_windows=settings.max_windows,
            pooling=manifest.pooling,
            prefix=manifest.prefix if settings.prefix is None else settings.prefix,
        ),
        known=checked_hashes(bundle, folder),
    )
    if files.weights_sha256 != manifest.encoder.sha256:
        raise ConfigurationError(
            f"{bundle.folder}: the head belongs to an encoder with sha256 {manifest.encoder.sha256}, "
            f"got {files.weights_sha256}; copy the bundle again or train it anew"
        )
    if bundle.weight.shape[1] != files.dim:
        raise ConfigurationError(
            f"{bundle.folder}: expected a head for embeddings of {files.dim} numbers, got one for "
            f"{bundle.weight.shape[1]}; train the bundle anew"
        )
    return files


def card_of(files: ModelFolder, *, name: str, version: str, labels: Sequence[str], multi_label: bool) -> ModelCard:
    """What results say about a model."""
    return ModelCard(
        name=name,
        version=version,
        labels=tuple(labels),
        dim=files.dim,
        max_tokens=files.max_tokens,
        fingerprint=files.fingerprint,
        multi_label=multi_label,
        pooling=files.pooling,
    )


def _name(settings: ModelSettings, folder: Path) -> str:
    if settings.path in (DEFAULT, MULTILINGUAL):
        return PACKAGE if settings.path == DEFAULT else NAME
    return folder.resolve().name if Path(settings.path).expanduser().is_dir() else settings.path


def _bundle_version(bundle: Bundle, files: ModelFolder) -> str:
    """The bundle's own, and eight hex digits more for whatever makes it answer otherwise than it was made to.

    That is what somebody edited in its bundle.json, and how the settings have it read texts.
    """
    manifest = bundle.manifest
    version, answering = manifest.version, manifest.answering_sha256()
    if manifest.answers_sha256 not in ("", answering):
        version += f"+edited.{answering[:8]}"
    if (files.max_tokens, files.prefix) != (manifest.max_tokens, manifest.prefix):
        version += f"+reading.{files.fingerprint[:8]}"
    return version


def _labels_version(settings: ModelSettings, files: ModelFolder) -> str:
    """12 hex digits that change when the encoder, a label, a description or how near counts does."""
    parts = [settings.labels, settings.temperature, settings.least_similarity, settings.rules, files.fingerprint]
    return hashlib.sha256(json.dumps(parts, ensure_ascii=True).encode()).hexdigest()[:12]
