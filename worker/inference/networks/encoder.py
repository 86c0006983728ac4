"""Builds the network of a folder of Hugging Face files."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
import transformers
from torch import Tensor, nn

from textsieve.worker import logs
from textsieve.worker.errors import ConfigurationError, PredictorError
from textsieve.worker.inference.engines.torch import TorchEngine
from textsieve.worker.inference.model_folder.folder import (
    ModelFolder,
    ReadOptions,
    read_classifier_folder,
    read_encoder_folder,
)
from textsieve.worker.inference.model_folder.load_checks import EXACTLY, ROUGHLY, reads_padding, require_window
from textsieve.worker.inference.model_folder.model_files import require_config, weight_files
from textsieve.worker.inference.model_folder.sentence_modules import Pooling
from textsieve.worker.inference.model_folder.tokenizer import Tokenizer
from textsieve.worker.inference.networks.architecture_checks import require_native, require_used
from textsieve.worker.inference.networks.heads import identity
from textsieve.worker.inference.networks.modules import (
    ClassifierNetwork,
    DenseLayers,
    EncoderNetwork,
    dense_layers,
)

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


class _NoPooler(nn.Module):
    """Stands where the files have no weights for a pooler: random ones would differ at every start."""

    def forward(self, hidden: Tensor, *_: Any, **__: Any) -> Tensor:
        """[batch, width, dim] -> [batch, dim]."""
        return hidden[:, 0]


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
        model = _load_network(kind, files, config, dtype=dtype, optional=optional)
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


def load_config(folder: Path) -> Any:
    """The model's config.json as transformers reads it.

    Raises:
        ConfigurationError: it is missing, broken, or asks for code of its own.
    """
    require_config(folder)
    return _load("config.json", folder, transformers.AutoConfig.from_pretrained)


def _load_network(kind: Any, files: ModelFolder, config: Any, *, dtype: torch.dtype, optional: str) -> nn.Module:
    folder = files.path
    weight_files(folder)  # a readable error before transformers looks for pickles

    def load(path: str, **options: Any) -> Any:
        return kind.from_pretrained(
            path, config=config, dtype=dtype, use_safetensors=True, output_loading_info=True, **options
        )

    model, report = _load("weights", folder, load)
    missing = sorted(name for name in report["missing_keys"] if not optional or not name.startswith(optional))
    if missing:
        raise ConfigurationError(
            f"{folder}: expected weights for every part of {type(model).__name__}, got none for {len(missing)} "
            f"({', '.join(missing[:3])}); random ones would stand in: set model.kind to what it was trained as"
        )
    require_used(files, model, sorted(report["unexpected_keys"]))
    if any(name.startswith("pooler.") for name in report["missing_keys"]):
        model.pooler = _NoPooler()
    return _in_memory(cast("nn.Module", model))


def _in_memory(model: nn.Module) -> nn.Module:
    """The same with weights of its own: loaded ones are pages of the file, which change and vanish with it."""
    for tensor in (*model.parameters(), *model.buffers()):
        tensor.data = tensor.data.clone()
    return model


def _load(what: str, folder: Path, load: Callable[..., Any]) -> Any:
    try:
        return load(str(folder), local_files_only=True, trust_remote_code=False)
    except Exception as error:  # foreign loaders raise anything, and all of it means a broken folder
        reason = str(error).strip().partition("\n")[0][:300]
        raise ConfigurationError(
            f"{folder}: expected a {what} that transformers can load without code of the model's own, "
            f"got {type(error).__name__}: {reason}; correct the files or set model.path to another model"
        ) from error


@contextmanager
def quiet() -> Iterator[None]:
    """Keep transformers' bars and load reports off stderr: what matters of them becomes an error above."""
    logging = transformers.utils.logging
    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()
