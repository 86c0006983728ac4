"""Reads a folder of Hugging Face files without torch or transformers."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from textsieve.worker.errors import ConfigurationError
from textsieve.worker.inference.model_folder.folder import ModelFolder, ReadOptions, files_sha256_of, read_config
from textsieve.worker.inference.model_folder.label_map import LabelMap, read_label_map
from textsieve.worker.inference.model_folder.model_files import weights_sha256
from textsieve.worker.inference.model_folder.position_embeddings import positions
from textsieve.worker.inference.model_folder.sentence_modules import (
    SentenceModules,
    read_sentence_modules,
)
from textsieve.worker.inference.model_folder.tokenizer import Tokenizer
from textsieve.worker.inference.model_folder.tokenizer_files import TokenizerFiles, read_tokenizer

DEFAULT_WINDOW = 512  # tokens; for models that state no window: what BERT and most of its children have
_DIMENSIONS = ("hidden_size", "d_model", "n_embd", "dim", "emb_dim")  # how architectures call it


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
        files_sha256=files_sha256_of(config, tokens_sha256, modules.dense, prefix),
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
