"""What a folder of Hugging Face files says about its model, read without torch or transformers."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from textsieve.worker.errors import ConfigurationError
from textsieve.worker.inference.model_folder.json_files import read_object
from textsieve.worker.inference.model_folder.label_map import LabelMap, read_label_map
from textsieve.worker.inference.model_folder.model_files import PACKAGE_SHA256, require_config, weights_sha256
from textsieve.worker.inference.model_folder.position_embeddings import positions
from textsieve.worker.inference.model_folder.sentence_modules import (
    Dense,
    Pooling,
    SentenceModules,
    read_sentence_modules,
)
from textsieve.worker.inference.model_folder.tokenizer import Tokenizer
from textsieve.worker.inference.model_folder.tokenizer_files import TokenizerFiles, read_tokenizer

DEFAULT_WINDOW = 512  # tokens; for models that state no window: what BERT and most of its children have
_DIMENSIONS = ("hidden_size", "d_model", "n_embd", "dim", "emb_dim")  # how architectures call it
# of config.json: what neither tokens nor embeddings depend on
_NO_MATTER = frozenset({
    "_name_or_path", "_commit_hash", "architectures", "dtype", "finetuning_task", "gradient_checkpointing", "id2label",
    "label2id", "num_labels", "problem_type", "torch_dtype", "transformers_version", "use_cache",
})  # fmt: skip
# `_files_sha256` of the default encoder. Its spaces are older than the files' part in fingerprints, and stay
_PACKAGE_FILES_SHA256 = "9c592aefcaa8d2cc31b42d03adcf82798c200a7c2c3087f06cb7c7e465134700"


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How a folder is to be read.

    Attributes:
        max_tokens: of a window; what the files state if None.
        max_windows: the most windows of a text; 1 cuts it after the first.
        pooling: how an embedding is made; what the files state, else mean, if None.
        prefix: put before every text; what the files state, else nothing, if None.
    """

    max_tokens: int | None = None
    max_windows: int = 1
    pooling: Pooling | None = None
    prefix: str | None = None


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """All that a started worker needs to know of a folder, but the network.

    Attributes:
        folder: that was named.
        path: of config.json, tokenizer and weights: the same, or inside it where modules.json says so.
        config: config.json.
        tokenizer: with its window.
        pad_id: that config.json and tokenizer agree upon; None where neither has one.
        pooling: makes the embedding.
        dense: layers behind the pooling.
        prefix: that the tokenizer puts before every text.
        head: labels of a sequence classifier; None of a bare encoder.
        dim: numbers in an embedding.
        weights_sha256: of the safetensors.
        tokenizer_sha256: of the tokenizer's files.
        files_sha256: of all else that an embedding depends on: configuration, tokenizer, dense layers, prefix.
    """

    folder: Path
    path: Path
    config: Mapping[str, Any]
    tokenizer: Tokenizer
    pad_id: int | None
    pooling: Pooling
    dense: tuple[Dense, ...]
    prefix: str
    head: LabelMap | None
    dim: int
    weights_sha256: str
    tokenizer_sha256: str
    files_sha256: str

    def require_unchanged(self) -> None:
        """Refuse what was read from the folder since: files that were replaced meanwhile are those of another model.

        Raises:
            ConfigurationError: weights, configuration or dense layers are others than when the folder was read.
        """
        found = _files_sha256(read_config(self.path), self.tokenizer_sha256, self.dense, self.prefix)
        if (found, weights_sha256(self.path)) != (self.files_sha256, self.weights_sha256):
            raise ConfigurationError(
                f"{self.folder}: expected the files that were there at the start, got others, written since; start "
                "again once they are complete, and put another model into a folder of its own"
            )

    @property
    def max_tokens(self) -> int:
        """The window in tokens, special tokens included."""
        return self.tokenizer.max_tokens

    @property
    def fingerprint(self) -> str:
        """16 hex digits: equal for encoders whose embeddings may be compared. Heads do not enter."""
        identity = f"{self.weights_sha256}/{self.pooling}/{self.max_tokens}"
        if (self.weights_sha256, self.files_sha256) != (PACKAGE_SHA256, _PACKAGE_FILES_SHA256):
            identity += f"/{self.files_sha256}"
        return hashlib.sha256(identity.encode()).hexdigest()[:16]

    @property
    def version(self) -> str:
        """12 hex digits: equal for models that answer alike, labels included."""
        head = None if self.head is None else [self.head.labels, self.head.multi_label]
        return hashlib.sha256(json.dumps([self.fingerprint, head]).encode()).hexdigest()[:12]

    @property
    def architectures(self) -> tuple[str, ...]:
        """The classes that config.json names."""
        return tuple(map(str, self.config.get("architectures") or ()))


def read_encoder_folder(folder: Path, options: ReadOptions, *, known: Mapping[Path, str] | None = None) -> ModelFolder:
    """Read a folder whose network gives embeddings; a head of any kind is left out.

    Args:
        folder: of Hugging Face files.
        options: how they are read.
        known: see `weights_sha256`.

    Raises:
        ConfigurationError: a file is missing or broken, or an option does not fit the model.
    """
    return _read(folder, read_sentence_modules(folder), options, head=None, known=known)


def read_classifier_folder(folder: Path, options: ReadOptions) -> ModelFolder:
    """Read the folder of a sequence classifier, whose embedding is the mean of its last hidden state.

    Raises:
        ConfigurationError: as `read_encoder_folder`, or its labels are broken.
    """
    config = read_config(folder)
    return _read(folder, SentenceModules(folder, "mean"), options, head=read_label_map(folder / "config.json", config))


def read_config(folder: Path) -> dict[str, Any]:
    """The fields of config.json.

    Raises:
        ConfigurationError: it is missing or broken.
    """
    require_config(folder)
    return read_object(folder / "config.json")


def _read(
    named: Path,
    modules: SentenceModules,
    options: ReadOptions,
    *,
    head: LabelMap | None,
    known: Mapping[Path, str] | None = None,
) -> ModelFolder:
    folder = modules.network
    config = read_config(folder)
    files = read_tokenizer(folder, lower_case=modules.lower_case)
    _require_fitting(folder, files, config)
    prefix = modules.prompt if options.prefix is None else options.prefix
    if prefix and not modules.prompt_is_pooled:
        raise ConfigurationError(
            f"{folder}: expected a pooling that reads the prefix too, got include_prompt false; set model.prefix to "
            "nothing, or choose another encoder"
        )
    pad_id = _stated_padding(config, files)
    # what the configuration states is in its own part of the identity
    tokens_sha256 = files.sha256 if pad_id in (None, config.get("pad_token_id")) else f"{files.sha256}/{pad_id}"
    window = _window(folder, config, files, modules, options)
    try:
        tokenizer = Tokenizer(
            files.backend,
            max_tokens=window,
            pad_id=pad_id or 0,
            max_windows=options.max_windows,
            side=files.side,
            prefix=prefix,
        )
    except ValueError as error:
        raise ConfigurationError(f"model.max_tokens: expected {error}, got {window}; raise it") from error
    tokenizer.unpadded = pad_id is None
    return ModelFolder(
        folder=named,
        path=folder,
        config=config,
        tokenizer=tokenizer,
        pad_id=pad_id,
        pooling=options.pooling or modules.pooling,
        dense=modules.dense,
        prefix=prefix,
        head=head,
        dim=modules.dense[-1].out_features if modules.dense else _dimension(folder, config),
        weights_sha256=weights_sha256(folder, known=known),
        tokenizer_sha256=tokens_sha256,
        files_sha256=_files_sha256(config, tokens_sha256, modules.dense, prefix),
    )


def _require_fitting(folder: Path, files: TokenizerFiles, config: Mapping[str, Any]) -> None:
    known, size = config.get("vocab_size"), files.backend.get_vocab_size(with_added_tokens=True)
    if isinstance(known, int) and size > known:
        raise ConfigurationError(
            f"{folder}: expected a tokenizer of at most {known} tokens, all the model has numbers for, "
            f"got one of {size}; use the tokenizer the model was trained with"
        )
    padding = config.get("pad_token_id")
    if padding is not None and files.pad_id is not None and padding != files.pad_id:
        raise ConfigurationError(
            f"{folder}: expected a padding token that the network knows as such, got {files.pad_id} in the "
            f"tokenizer's files and {padding} as pad_token_id in config.json; correct the one that is wrong"
        )


def _stated_padding(config: Mapping[str, Any], files: TokenizerFiles) -> int | None:
    stated = config.get("pad_token_id")
    return stated if isinstance(stated, int) and stated >= 0 else files.pad_id


def _window(
    folder: Path, config: Mapping[str, Any], files: TokenizerFiles, modules: SentenceModules, options: ReadOptions
) -> int:
    stated = [size for size in (files.max_tokens, positions(config)) if size is not None]
    window = min(stated, default=DEFAULT_WINDOW)
    if options.max_tokens is None:
        return min(window, modules.max_tokens or window)
    if options.max_tokens > window:
        raise ConfigurationError(
            f"model.max_tokens: expected at most {window}, the window of {folder}, got {options.max_tokens}; lower it"
        )
    return options.max_tokens


def _dimension(folder: Path, config: Mapping[str, Any]) -> int:
    for name in _DIMENSIONS:
        if isinstance(config.get(name), int):
            return int(config[name])
    try:
        from transformers import AutoConfig  # noqa: PLC0415  # takes seconds, and few folders need it

        loaded = AutoConfig.from_pretrained(str(folder), local_files_only=True, trust_remote_code=False)
        return int(loaded.get_text_config().hidden_size)
    except Exception as error:  # foreign loaders raise anything, and all of it means a broken folder
        raise ConfigurationError(
            f"{folder / 'config.json'}: expected one of {', '.join(_DIMENSIONS)}, got none ({type(error).__name__}); "
            "correct the file"
        ) from error


def _files_sha256(config: Mapping[str, Any], tokenizer_sha256: str, layers: tuple[Dense, ...], prefix: str) -> str:
    dense = [
        [layer.in_features, layer.out_features, layer.bias, layer.activation, weights_sha256(layer.folder)]
        for layer in layers
    ]
    stated = {name: value for name, value in config.items() if name not in _NO_MATTER}
    identity = json.dumps([stated, tokenizer_sha256, dense, prefix], sort_keys=True)
    return hashlib.sha256(identity.encode()).hexdigest()
