"""Builds the network of a folder of Hugging Face files."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers
from torch import nn

from textsieve.worker import logs
from textsieve.worker.errors import ConfigurationError, PredictorError
from textsieve.worker.inference.engines.torch import TorchEngine
from textsieve.worker.inference.model_folder.folder import ModelFolder, ReadOptions
from textsieve.worker.inference.model_folder.load_checks import EXACTLY, ROUGHLY, reads_padding, require_window
from textsieve.worker.inference.model_folder.reading import read_classifier_folder, read_encoder_folder
from textsieve.worker.inference.model_folder.sentence_modules import Pooling
from textsieve.worker.inference.model_folder.tokenizer import Tokenizer
from textsieve.worker.inference.networks.architecture_checks import require_native
from textsieve.worker.inference.networks.heads import identity
from textsieve.worker.inference.networks.modules import (
    ClassifierNetwork,
    DenseLayers,
    EncoderNetwork,
    dense_layers,
)
from textsieve.worker.inference.networks.pretrained import load_config, load_network, quiet

log = logs.get_logger("model")
_NO_PADDING = -1  # stands for a padding token that a configuration lacks: no text has it, so the last token is the last


@dataclass(frozen=True, slots=True)
class Encoder:
    """A network, and what its folder says about it.

    `model` is the bare encoder, or the whole sequence classifier if it was loaded as one.
    """

    files: ModelFolder
    model: nn.Module
    config: Any  # transformers.PreTrainedConfig
    dense: DenseLayers | None = None  # between pooling and embedding

    @property
    def folder(self) -> Path:
        """That was named."""
        return self.files.folder

    @property
    def tokenizer(self) -> Tokenizer:
        """With its window."""
        return self.files.tokenizer

    @property
    def pooling(self) -> Pooling:
        """What makes the embedding."""
        return self.files.pooling

    @property
    def weights_sha256(self) -> str:
        """Of the safetensors."""
        return self.files.weights_sha256

    @property
    def max_tokens(self) -> int:
        """The window in tokens, special tokens included."""
        return self.files.max_tokens

    @property
    def dim(self) -> int:
        """Numbers in an embedding."""
        return self.files.dim

    @property
    def fingerprint(self) -> str:
        """See `ModelFolder`."""
        return self.files.fingerprint


def load_encoder(
    folder: Path,
    *,
    max_tokens: int | None = None,
    max_windows: int = 1,
    pooling: Pooling | None = None,
    prefix: str | None = None,
    dtype: torch.dtype = torch.float32,
) -> Encoder:
    """Load a bare encoder; a head of any kind in its files is left out.

    Args:
        folder: Hugging Face files: config.json, tokenizer files, safetensors; modules.json where there is one.
        max_tokens: see `ReadOptions`.
        max_windows: see `ReadOptions`.
        pooling: see `ReadOptions`.
        prefix: see `ReadOptions`.
        dtype: arithmetic of the network.

    Raises:
        ConfigurationError: a file is missing or broken, or an option does not fit the model.
    """
    files = read_encoder_folder(folder, ReadOptions(max_tokens, max_windows, pooling, prefix))
    return encoder_of(files, dtype=dtype)


def load_classifier(
    folder: Path,
    *,
    max_tokens: int | None = None,
    max_windows: int = 1,
    prefix: str | None = None,
    dtype: torch.dtype = torch.float32,
) -> Encoder:
    """Load a sequence classifier whole; its embedding is the mean of its last hidden state.

    Raises:
        ConfigurationError: a file is missing or broken, or the weights have no classification head.
    """
    files = read_classifier_folder(folder, ReadOptions(max_tokens, max_windows, None, prefix))
    return encoder_of(files, dtype=dtype)


def encoder_of(files: ModelFolder, *, dtype: torch.dtype = torch.float32) -> Encoder:
    """Build the network of a folder: a sequence classifier where labels were read, else a bare encoder.

    Raises:
        ConfigurationError: weights are missing, broken, not all used, or others than when the folder was read.
    """
    kind, optional = transformers.AutoModelForSequenceClassification, ""
    if files.head is None:
        kind, optional = transformers.AutoModel, "pooler."  # nothing reads it
    with quiet():
        config = load_config(files.path)
        require_native(files)
        model = load_network(kind, files, config, dtype=dtype, optional=optional)
    told = model.config.get_text_config()  # type: ignore[union-attr,operator]
    if told.pad_token_id is None:
        told.pad_token_id = _NO_PADDING if files.pad_id is None else files.pad_id
    encoder = Encoder(files, model, config, dense=dense_layers(files.dense) if files.dense else None)
    files.require_unchanged()
    _try(encoder, tolerance=EXACTLY if dtype == torch.float32 else ROUGHLY)
    return encoder


def _try(encoder: Encoder, *, tolerance: float) -> None:
    """Find out on the CPU what no file says: what a GPU is given and has no place for ends its process."""
    if encoder.files.head is None:
        network: nn.Module = EncoderNetwork(
            encoder.model, pooling=encoder.pooling, head=nn.Identity(), activation=identity, dense=encoder.dense
        )
    else:
        network = ClassifierNetwork(encoder.model, activation=identity)
    engine, tokenizer = TorchEngine(network, device=torch.device("cpu")), encoder.tokenizer
    try:
        require_window(engine, tokenizer, folder=encoder.folder)
        if tokenizer.unpadded or not reads_padding(engine, tokenizer, folder=encoder.folder, tolerance=tolerance):
            return
    except PredictorError as error:
        raise ConfigurationError(
            f"{encoder.folder}: expected a model that answers a short text, got: {error} ({error.__cause__}); choose "
            "another model or model.kind"
        ) from error
    tokenizer.unpadded = True
    log.info("this network reads padding: only texts of one length share a batch", folder=str(encoder.folder))
