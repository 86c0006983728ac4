"""Refuses folders whose network transformers would build otherwise than it was trained."""

from collections.abc import Sequence

import transformers
from torch import nn

from textsieve.worker import logs
from textsieve.worker.errors import ConfigurationError
from textsieve.worker.inference.model_folder.folder import ModelFolder
from textsieve.worker.inference.model_folder.model_files import ADAPTER_CONFIG, how_to_merge

log = logs.get_logger("model")

_CLASSIFIER = "ForSequenceClassification"


def require_native(files: ModelFolder) -> None:
    """Refuse architectures that transformers does not have as they are described.

    Raises:
        ConfigurationError: code of the model's own, a class for another task, an adapter or quantised weights.
    """
    named = files.architectures
    unknown = [name for name in named if not hasattr(transformers, name)]
    if unknown:
        theirs = ", which comes with code of its own that is never run" if files.config.get("auto_map") else ""
        raise _refused(files, f"an architecture of transformers {transformers.__version__}", f"{unknown[0]}{theirs}")
    if files.head is not None and named and not any(name.endswith(_CLASSIFIER) for name in named):
        raise _refused(files, f"the architecture of a sequence classifier (...{_CLASSIFIER})", ", ".join(named))
    if (files.path / ADAPTER_CONFIG).is_file():
        raise _refused(
            files,
            "a whole model",
            f"one with an adapter beside it ({ADAPTER_CONFIG})",
            f"remove the file if the weights contain it already; else {how_to_merge(files.path)}",
        )
    if files.config.get("quantization_config"):
        raise _refused(files, "weights in floating point", "a quantization_config", "take the weights before that")


def require_used(files: ModelFolder, model: nn.Module, unexpected: Sequence[str]) -> None:
    """Refuse weights that the network has no place for inside; heads beside it are left out.

    Raises:
        ConfigurationError: a part of the network is missing in the class that transformers built.
    """
    base = str(getattr(model, "base_model_prefix", ""))
    modules = {name.removeprefix(f"{base}.") for name, _ in model.named_modules()} - {"", base}
    inside = [name for name in unexpected if _parents(name.removeprefix(f"{base}.")) & modules]
    if inside:
        positions = files.config.get("position_embedding_type", "absolute")
        raise _refused(
            files,
            f"weights that {type(model).__name__} of transformers {transformers.__version__} has a place for",
            f"{len(inside)} that it has not ({', '.join(inside[:3])}; position_embedding_type {positions})",
            "merge adapters before saving, or choose another model",
        )
    if unexpected and files.head is not None:
        log.warning("weights that nothing reads were left out", folder=str(files.path), weights=list(unexpected[:3]))


def _parents(name: str) -> set[str]:
    """The modules that a weight would lie in, without the outermost."""
    parts = name.split(".")[:-1]
    return {".".join(parts[:length]) for length in range(1, len(parts) + 1)}


def _refused(
    files: ModelFolder, expected: str, got: str, remedy: str = "set model.path or model.kind to what fits"
) -> ConfigurationError:
    return ConfigurationError(f"{files.path}: expected {expected}, got {got}; {remedy}")
