"""What transformers' from_pretrained makes of a folder, or why it makes nothing."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import torch
import transformers
from torch import Tensor, nn

from textsieve.worker.errors import ConfigurationError
from textsieve.worker.inference.model_folder.folder import ModelFolder
from textsieve.worker.inference.model_folder.model_files import require_config, weight_files
from textsieve.worker.inference.networks.architecture_checks import require_used


class NoPooler(nn.Module):
    """Stands where the files have no weights for a pooler: random ones would differ at every start."""

    def forward(self, hidden: Tensor, *_: Any, **__: Any) -> Tensor:
        """[batch, width, dim] -> [batch, dim]."""
        return hidden[:, 0]


def load_config(folder: Path) -> Any:
    """The model's config.json as transformers reads it.

    Raises:
        ConfigurationError: it is missing, broken, or asks for code of its own.
    """
    require_config(folder)
    return _load("config.json", folder, transformers.AutoConfig.from_pretrained)


def load_network(kind: Any, files: ModelFolder, config: Any, *, dtype: torch.dtype, optional: str) -> nn.Module:
    """The network of a folder, all of its weights from there and in memory of their own.

    Args:
        kind: one of transformers' Auto classes.
        files: what the folder says.
        config: see `load_config`.
        dtype: arithmetic of the network.
        optional: the beginning of names of weights that may be missing; "" for none.

    Raises:
        ConfigurationError: weights are missing, broken or not all used.
    """
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
        model.pooler = NoPooler()
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
