"""What a folder of Hugging Face files says about its model."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from textsieve.worker.errors import ConfigurationError
from textsieve.worker.inference.model_folder.json_files import read_object
from textsieve.worker.inference.model_folder.label_map import LabelMap
from textsieve.worker.inference.model_folder.model_files import PACKAGE_SHA256, require_config, weights_sha256
from textsieve.worker.inference.model_folder.sentence_modules import (
    Dense,
    Pooling,
)
from textsieve.worker.inference.model_folder.tokenizer import Tokenizer

# of config.json: what neither tokens nor embeddings depend on
_NO_MATTER = frozenset({
    "_name_or_path", "_commit_hash", "architectures", "dtype", "finetuning_task", "gradient_checkpointing", "id2label",
    "label2id", "num_labels", "problem_type", "torch_dtype", "transformers_version", "use_cache",
})  # fmt: skip
# `files_sha256_of` of the default encoder. Its spaces are older than the files' part in fingerprints, and stay
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
        found = files_sha256_of(read_config(self.path), self.tokenizer_sha256, self.dense, self.prefix)
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


def read_config(folder: Path) -> dict[str, Any]:
    """The fields of config.json.

    Raises:
        ConfigurationError: it is missing or broken.
    """
    require_config(folder)
    return read_object(folder / "config.json")


def files_sha256_of(config: Mapping[str, Any], tokenizer_sha256: str, layers: tuple[Dense, ...], prefix: str) -> str:
    """The sha256 of all that an embedding depends on beside the weights of the network."""
    dense = [
        [layer.in_features, layer.out_features, layer.bias, layer.activation, weights_sha256(layer.folder)]
        for layer in layers
    ]
    stated = {name: value for name, value in config.items() if name not in _NO_MATTER}
    identity = json.dumps([stated, tokenizer_sha256, dense, prefix], sort_keys=True)
    return hashlib.sha256(identity.encode()).hexdigest()
