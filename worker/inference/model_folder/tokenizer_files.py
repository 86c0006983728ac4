"""The tokenizer of a folder, as its tokenizer.json has it: never built again from the name of its class."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import tokenizers
from tokenizers import normalizers

from textsieve.worker.errors import ConfigurationError
from textsieve.worker.inference.model_folder.json_files import read_object

TOKENIZER = "tokenizer.json"
_TOKENIZER_CONFIG = "tokenizer_config.json"
_SPECIAL_TOKENS = "special_tokens_map.json"
_CONVERTIBLE = ("vocab.*", "*.model")  # what transformers can make a tokenizer.json of
_NO_WINDOW = 1_000_000  # larger values of model_max_length are the library's way to say "not set"
_LIKELY_PADDING = ("[PAD]", "<pad>")  # where no file says: the mask hides it


@dataclass(frozen=True, slots=True)
class TokenizerFiles:
    """A tokenizer, and what its files say about its use.

    Attributes:
        backend: nobody else's: its truncation and padding may be set.
        pad_id: of the padding token that the files name, None where they name none.
        max_tokens: the window they state, None where they state none.
        side: from which end long texts are cut.
        sha256: of all that decides which tokens a text becomes.
    """

    backend: tokenizers.Tokenizer
    pad_id: int | None
    max_tokens: int | None
    side: Literal["left", "right"]
    sha256: str


def read_tokenizer(folder: Path, *, lower_case: bool) -> TokenizerFiles:
    """Read the tokenizer of a folder.

    Args:
        folder: tokenizer.json, tokenizer_config.json; vocab.txt or a *.model alone are converted by transformers.
        lower_case: texts are lower-cased before anything else is done to them.

    Raises:
        ConfigurationError: there is none, it is broken, or it cannot be converted.
    """
    path = folder / TOKENIZER
    config = read_object(folder / _TOKENIZER_CONFIG)
    backend = _from_file(path) if path.is_file() else _converted(folder)
    side: Literal["left", "right"] = "right"
    stated = config.get("truncation_side") or (backend.truncation or {}).get("direction") or side
    if stated == "left":
        side = "left"
    elif stated != side:
        raise ConfigurationError(
            f"{folder / _TOKENIZER_CONFIG}: expected a truncation_side of left or right, got {stated}; correct it"
        )
    pad_id = _pad_id(folder, config, backend)
    backend.no_truncation()
    backend.no_padding()
    if lower_case:
        backend.normalizer = _lower_cased(backend.normalizer)
    content = path.read_bytes() if path.is_file() else backend.to_str().encode()
    identity = json.dumps([hashlib.sha256(content).hexdigest(), side, lower_case])
    return TokenizerFiles(
        backend=backend,
        pad_id=pad_id,
        max_tokens=_stated_window(config),
        side=side,
        sha256=hashlib.sha256(identity.encode()).hexdigest(),
    )


def _from_file(path: Path) -> tokenizers.Tokenizer:
    try:
        return tokenizers.Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises Exception itself
        raise ConfigurationError(
            f"{path}: expected a tokenizer that the package tokenizers {tokenizers.__version__} can read, got: "
            f"{str(error)[:200]}; restore the file"
        ) from error


def _converted(folder: Path) -> tokenizers.Tokenizer:
    """What transformers makes of older files, for folders without tokenizer.json."""
    if not any(True for pattern in _CONVERTIBLE for _ in folder.glob(pattern)):
        raise ConfigurationError(f"{folder}: expected tokenizer files such as tokenizer.json, got none; add them")
    try:
        from transformers import AutoTokenizer  # noqa: PLC0415  # takes seconds, and few folders need it

        made = AutoTokenizer.from_pretrained(str(folder), local_files_only=True, trust_remote_code=False)
        return tokenizers.Tokenizer.from_str(made.backend_tokenizer.to_str())
    except Exception as error:  # foreign loaders raise anything, and all of it means that there is no tokenizer.json
        reason = str(error).strip().partition("\n")[0][:200]
        raise ConfigurationError(
            f"{folder}: expected a tokenizer that comes with {TOKENIZER}, or files that transformers can convert, got "
            f"{type(error).__name__}: {reason}; where it can be made, `pip install transformers sentencepiece protobuf "
            f'tiktoken`, then `python -c "from transformers import AutoTokenizer as T; '
            f"T.from_pretrained('{folder}').save_pretrained('{folder}')\"`"
        ) from error


def _lower_cased(normalizer: normalizers.Normalizer | None) -> normalizers.Normalizer:
    return normalizers.Sequence([normalizers.Lowercase(), *([normalizer] if normalizer is not None else [])])


def _stated_window(config: Mapping[str, Any]) -> int | None:
    size = config.get("model_max_length")
    return int(size) if isinstance(size, int | float) and 0 < size < _NO_WINDOW else None


def _pad_id(folder: Path, config: Mapping[str, Any], backend: tokenizers.Tokenizer) -> int | None:
    """Of the token that is named; the configuration beats the map of special tokens, and both the last use."""
    named = [config.get("pad_token"), read_object(folder / _SPECIAL_TOKENS).get("pad_token")]
    named = [token.get("content") if isinstance(token, dict) else token for token in named]
    named += [(backend.padding or {}).get("pad_token")]
    for token in (*named, *_LIKELY_PADDING):
        found = backend.token_to_id(token) if isinstance(token, str) else None
        if found is not None:
            return int(found)
    return None
