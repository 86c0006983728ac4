"""Loads tokenizers and networks from a folder of Hugging Face files."""

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import tokenizers
import torch
import transformers
from torch import nn

from worker.errors import ConfigurationError
from worker.inference.networks import Pooling
from worker.inference.sources import weight_files, weights_sha256
from worker.inference.tokens import Tokenizer

DEFAULT_WINDOW = 512  # tokens; for models that state no window: what BERT and most of its children have
NO_WINDOW = 1_000_000  # larger values of model_max_length are the library's way to say "not set"

# without all of these transformers makes a tokenizer that knows no word, and says nothing
VOCABULARY_FILES = ("tokenizer.json", "vocab.*", "*.model")

# their position ids start after the padding id, so the table has that many rows that no text can use
_OFFSET_POSITIONS = frozenset({"roberta", "xlm-roberta", "xlm-roberta-xl", "camembert", "mpnet", "longformer"})


@dataclass(frozen=True, slots=True)
class Encoder:
    """A tokenizer and a network, and what identifies the embeddings they make.

    `model` is the bare encoder, or the whole sequence classifier if it was loaded as one.
    """

    folder: Path
    tokenizer: Tokenizer
    model: nn.Module
    config: Any  # transformers.PreTrainedConfig
    pooling: Pooling
    weights_sha256: str

    @property
    def max_tokens(self) -> int:
        """The window in tokens, special tokens included."""
        return self.tokenizer.max_tokens

    @property
    def dim(self) -> int:
        """Numbers in an embedding."""
        return int(self.config.hidden_size)

    @property
    def fingerprint(self) -> str:
        """16 hex digits: equal for encoders whose embeddings may be compared. Heads do not enter."""
        identity = f"{self.weights_sha256}/{self.pooling}/{self.max_tokens}"
        return hashlib.sha256(identity.encode()).hexdigest()[:16]


def load_encoder(
    folder: Path,
    *,
    max_tokens: int | None = None,
    max_windows: int = 1,
    pooling: Pooling | None = None,
    dtype: torch.dtype = torch.float32,
) -> Encoder:
    """Load a bare encoder; a head of any kind in its files is left out.

    Args:
        folder: Hugging Face files: config.json, tokenizer files, safetensors.
        max_tokens: of a window; what the files state if None.
        max_windows: the most windows of a text; 1 cuts it after the first.
        pooling: how an embedding is made; what the files state (sentence-transformers), else mean, if None.
        dtype: arithmetic of the network.

    Raises:
        ConfigurationError: a file is missing or broken, or an option does not fit the model.
    """
    with quiet():
        config = load_config(folder)
        return Encoder(
            folder=folder,
            tokenizer=_load_tokenizer(folder, config, max_tokens=max_tokens, max_windows=max_windows),
            model=_load_network(transformers.AutoModel, folder, config, dtype=dtype, optional=("pooler.",)),
            config=config,
            pooling=pooling or _stated_pooling(folder),
            weights_sha256=weights_sha256(folder),
        )


def load_classifier(
    folder: Path, *, max_tokens: int | None = None, max_windows: int = 1, dtype: torch.dtype = torch.float32
) -> Encoder:
    """Load a sequence classifier whole; its embedding is the mean of its last hidden state.

    Raises:
        ConfigurationError: a file is missing or broken, or the weights have no classification head.
    """
    with quiet():
        config = load_config(folder)
        kind = transformers.AutoModelForSequenceClassification
        return Encoder(
            folder=folder,
            tokenizer=_load_tokenizer(folder, config, max_tokens=max_tokens, max_windows=max_windows),
            model=_load_network(kind, folder, config, dtype=dtype, optional=()),
            config=config,
            pooling="mean",
            weights_sha256=weights_sha256(folder),
        )


def load_config(folder: Path) -> Any:
    """The model's config.json as transformers reads it.

    Raises:
        ConfigurationError: it is missing, broken, or asks for code of its own.
    """
    if not (folder / "config.json").is_file():
        raise ConfigurationError(
            f"{folder}: expected the Hugging Face file config.json, came none; set model.path to the model's folder"
        )
    return _load("config.json", folder, transformers.AutoConfig.from_pretrained)


def _load_tokenizer(folder: Path, config: Any, *, max_tokens: int | None, max_windows: int) -> Tokenizer:
    if not any(True for pattern in VOCABULARY_FILES for _ in folder.glob(pattern)):
        raise ConfigurationError(f"{folder}: expected tokenizer files such as tokenizer.json, came none; add them")
    loaded = _load("tokenizer", folder, transformers.AutoTokenizer.from_pretrained)
    if not loaded.is_fast:
        raise ConfigurationError(f"{folder}: expected a fast tokenizer, came a slow one; save it with tokenizer.json")
    if len(loaded) > config.vocab_size:
        raise ConfigurationError(
            f"{folder}: expected a tokenizer of at most {config.vocab_size} tokens, all the model has numbers for, "
            f"came one of {len(loaded)}; use the tokenizer the model was trained with"
        )
    window = _window(loaded, config)
    if max_tokens is not None and max_tokens > window:
        raise ConfigurationError(
            f"model.max_tokens: expected at most {window}, the window of {folder}, came {max_tokens}; lower it"
        )
    stated = _stated_max_tokens(folder)
    backend = cast("tokenizers.Tokenizer", loaded.backend_tokenizer)
    pad_id = 0 if loaded.pad_token_id is None else int(loaded.pad_token_id)
    return Tokenizer(
        backend, max_tokens=max_tokens or min(window, stated or window), pad_id=pad_id, max_windows=max_windows
    )


def _load_network(kind: Any, folder: Path, config: Any, *, dtype: torch.dtype, optional: tuple[str, ...]) -> nn.Module:
    weight_files(folder)  # a readable error before transformers looks for pickles

    def load(path: str, **options: Any) -> Any:
        return kind.from_pretrained(
            path, config=config, dtype=dtype, use_safetensors=True, output_loading_info=True, **options
        )

    model, report = _load("weights", folder, load)
    missing = sorted(name for name in report["missing_keys"] if not name.startswith(optional))
    if missing:
        raise ConfigurationError(
            f"{folder}: expected weights for every part of {type(model).__name__}, came none for {len(missing)} "
            f"({', '.join(missing[:3])}); random ones would stand in: set model.kind to what it was trained as"
        )
    return cast("nn.Module", model)


def _load(what: str, folder: Path, load: Callable[..., Any]) -> Any:
    try:
        return load(str(folder), local_files_only=True, trust_remote_code=False)
    except Exception as error:  # foreign loaders raise anything, and all of it means a broken folder
        reason = str(error).strip().partition("\n")[0][:300]
        raise ConfigurationError(
            f"{folder}: expected a {what} that transformers can load without code of the model's own, "
            f"came {type(error).__name__}: {reason}; correct the files or set model.path to another model"
        ) from error


def _window(loaded: Any, config: Any) -> int:
    positions = getattr(config, "max_position_embeddings", None) or -1
    if config.model_type in _OFFSET_POSITIONS:
        positions -= (config.pad_token_id or 0) + 1
    stated = [size for size in (loaded.model_max_length, positions) if 0 < size < NO_WINDOW]
    return int(min(stated, default=DEFAULT_WINDOW))


def _stated_max_tokens(folder: Path) -> int | None:
    size = _read_json(folder / "sentence_bert_config.json").get("max_seq_length")
    return size if isinstance(size, int) and size > 0 else None


def _stated_pooling(folder: Path) -> Pooling:
    stated = _read_json(folder / "1_Pooling" / "config.json")
    modes = [
        name.removeprefix("pooling_mode_") for name, on in stated.items() if name.startswith("pooling_mode") and on
    ]
    if modes in ([], ["mean_tokens"]):
        return "mean"
    if modes == ["cls_token"]:
        return "cls"
    raise ConfigurationError(
        f"{folder / '1_Pooling' / 'config.json'}: expected pooling by mean_tokens or cls_token, "
        f"came {', '.join(modes)}; choose another encoder"
    )


def _read_json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ConfigurationError(f"{path}: expected JSON, came something else ({error}); restore the file") from error
    return content if isinstance(content, dict) else {}


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
