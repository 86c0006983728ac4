"""What a folder of sentence-transformers says comes before and after its network, in the order of modules.json."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from textsieve.worker.errors import ConfigurationError
from textsieve.worker.inference.model_folder.json_files import read_json, read_object

Pooling = Literal["mean", "cls"]
Activation = Literal["identity", "tanh", "relu", "gelu", "sigmoid", "silu"]

MODULES = "modules.json"
SENTENCE_CONFIG = "config_sentence_transformers.json"
_LEGACY_POOLING = Path("1_Pooling") / "config.json"  # folders without modules.json have it too
_ACTIVATIONS: Mapping[str, Activation] = {
    "torch.nn.modules.linear.Identity": "identity",
    "torch.nn.modules.activation.Tanh": "tanh",
    "torch.nn.modules.activation.ReLU": "relu",
    "torch.nn.modules.activation.GELU": "gelu",
    "torch.nn.modules.activation.Sigmoid": "sigmoid",
    "torch.nn.modules.activation.SiLU": "silu",
}
_SWITCHES = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}
# the same direction as the mean, and embeddings are brought to length 1
_POOLINGS: Mapping[str, Pooling] = {"mean": "mean", "mean_sqrt_len_tokens": "mean", "cls": "cls"}


@dataclass(frozen=True, slots=True)
class Dense:
    """A linear layer behind the pooling, and what is applied to its output.

    Attributes:
        folder: of its weights.
    """

    folder: Path
    in_features: int
    out_features: int
    bias: bool
    activation: Activation


@dataclass(frozen=True, slots=True)
class SentenceModules:
    """The steps around a network that make embeddings as sentence-transformers would.

    Attributes:
        network: the folder of the network and its tokenizer.
        dense: layers behind the pooling, in their order.
        lower_case: whether texts are lower-cased first.
        max_tokens: the window that is stated for sentences, None where none is.
        prompt: text that the folder wants before every text.
        prompt_is_pooled: whether the tokens of the prompt take part in the pooling.
    """

    network: Path
    pooling: Pooling
    dense: tuple[Dense, ...] = ()
    lower_case: bool = False
    max_tokens: int | None = None
    prompt: str = ""
    prompt_is_pooled: bool = True


def read_sentence_modules(folder: Path) -> SentenceModules:
    """Read modules.json and the configurations it names; a folder without it is a network whose mean is taken.

    Raises:
        ConfigurationError: a module is not offered, or a file is broken; the message names it.
    """
    listed = read_json(folder / MODULES)
    if listed is None:
        stated = read_object(folder / _LEGACY_POOLING)
        return SentenceModules(
            folder, _pooling(folder / _LEGACY_POOLING, stated), prompt=_prompt(folder), **_of_network(folder)
        )
    steps = [_step(folder, entry) for entry in _entries(folder / MODULES, listed)]
    kinds = [kind for kind, _ in steps]
    _require_order(folder / MODULES, kinds)
    network, pooling = steps[0][1], steps[1][1] / "config.json"
    stated = read_object(pooling)
    return SentenceModules(
        network,
        _pooling(pooling, stated),
        dense=tuple(_dense(path) for kind, path in steps if kind == "Dense"),
        prompt=_prompt(folder),
        prompt_is_pooled=stated.get("include_prompt", True) is not False,
        **_of_network(network),
    )


def _entries(path: Path, listed: Any) -> Sequence[Mapping[str, Any]]:
    if not isinstance(listed, list) or not all(isinstance(entry, dict) and "type" in entry for entry in listed):
        raise ConfigurationError(f"{path}: expected a list of modules with their types; restore the file")
    return sorted(listed, key=lambda entry: int(entry.get("idx", 0)))


def _step(folder: Path, entry: Mapping[str, Any]) -> tuple[str, Path]:
    """The name of a module's class, and its folder."""
    kind = str(entry["type"])
    path = folder / str(entry.get("path", ""))
    if not path.resolve().is_relative_to(folder.resolve()):
        raise ConfigurationError(f"{folder / MODULES}: expected paths inside the folder, got {entry['path']}")
    if not kind.startswith("sentence_transformers."):
        raise ConfigurationError(
            f"{folder / MODULES}: expected modules of sentence-transformers, got {kind}; code of a model's own is"
            " never run: choose another model"
        )
    return kind.rpartition(".")[2], path


def _require_order(path: Path, kinds: Sequence[str]) -> None:
    """A network, its pooling, then dense layers; a division by length only as the last step, where we divide too."""
    effective = [kind for kind in kinds if kind != "Dropout"]  # in training only
    while effective and effective[-1] == "Normalize":
        effective.pop()
    if effective[:2] == ["Transformer", "Pooling"] and all(kind == "Dense" for kind in effective[2:]):
        return
    raise ConfigurationError(
        f"{path}: expected the modules Transformer, Pooling, then any of Dense and at last Normalize, got "
        f"{', '.join(kinds) or 'none'}; choose another encoder"
    )


def _pooling(path: Path, stated: Mapping[str, Any]) -> Pooling:
    """Both spellings: one `pooling_mode` (from sentence-transformers 5.4 on), or a switch for each."""
    switched = [_SWITCHES.get(name, name) for name, on in stated.items() if name.startswith("pooling_mode_") and on]
    modes = stated.get("pooling_mode") or switched or "mean"
    names = [modes] if isinstance(modes, str) else [str(mode) for mode in modes]
    if len(names) == 1 and names[0] in _POOLINGS:
        return _POOLINGS[names[0]]
    raise ConfigurationError(f"{path}: expected pooling by mean or cls, got {', '.join(names)}; choose another encoder")


def _dense(folder: Path) -> Dense:
    path = folder / "config.json"
    stated = read_object(path)
    activation = str(stated.get("activation_function", "torch.nn.modules.activation.Tanh"))
    if activation not in _ACTIVATIONS:
        raise ConfigurationError(
            f"{path}: expected an activation_function of {', '.join(sorted(_ACTIVATIONS))}, got {activation}; "
            "choose another encoder"
        )
    inputs = stated.get("module_input_name", "sentence_embedding")
    outputs = stated.get("module_output_name") or inputs
    if stated.get("use_residual") or (inputs, outputs) != ("sentence_embedding", "sentence_embedding"):
        raise ConfigurationError(
            f"{path}: expected a dense layer from sentence embedding to sentence embedding without a residual, got "
            f"{inputs} to {outputs}{', use_residual' if stated.get('use_residual') else ''}; choose another encoder"
        )
    sizes = [stated.get(name) for name in ("in_features", "out_features")]
    if not all(isinstance(size, int) and size > 0 for size in sizes):
        raise ConfigurationError(f"{path}: expected in_features and out_features, got {sizes}; restore the file")
    return Dense(
        folder, int(sizes[0] or 0), int(sizes[1] or 0), stated.get("bias", True) is not False, _ACTIVATIONS[activation]
    )


def _of_network(folder: Path) -> dict[str, Any]:
    """What stands beside the network: sentence_bert_config.json, whose middle is the name of the architecture."""
    stated = next((read_object(path) for path in sorted(folder.glob("sentence_*_config.json"))), {})
    size = stated.get("max_seq_length")
    return {
        "lower_case": stated.get("do_lower_case") is True,
        "max_tokens": size if isinstance(size, int) and size > 0 else None,
    }


def _prompt(folder: Path) -> str:
    stated = read_object(folder / SENTENCE_CONFIG)
    name, prompts = stated.get("default_prompt_name"), stated.get("prompts")
    return str(prompts.get(name) or "") if name and isinstance(prompts, dict) else ""
