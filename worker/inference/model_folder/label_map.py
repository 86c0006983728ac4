"""The labels of a classifier, from its config.json."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from textsieve.worker.errors import ConfigurationError

_LEAST_LABELS = 2  # exclusive ones: with fewer there is nothing to choose between
_NAMELESS = re.compile(r"LABEL_\d+")  # what transformers writes where nobody named the labels
_UNSTATED = 2  # labels of a classifier whose config.json is silent: what transformers takes


@dataclass(frozen=True, slots=True)
class LabelMap:
    """The labels in the order of the network's outputs, and whether several may hold at once."""

    labels: tuple[str, ...]
    multi_label: bool

    @property
    def nameless(self) -> bool:
        """Whether nobody gave the labels names."""
        return all(_NAMELESS.fullmatch(label) for label in self.labels)


def read_label_map(path: Path, config: Mapping[str, Any]) -> LabelMap:
    """Read id2label and problem_type.

    Args:
        path: of the config.json, for messages.
        config: what it says.

    Raises:
        ConfigurationError: labels are missing, doubled or not numbered from 0, or there is nothing to choose between.
    """
    stated = config.get("id2label")
    if stated is None:
        count = config.get("num_labels", _UNSTATED)
        stated = {str(index): f"LABEL_{index}" for index in range(count if isinstance(count, int) else 0)}
    if not isinstance(stated, dict) or not all(str(key).isascii() and str(key).isdigit() for key in stated):
        raise _broken(path, "numbers as keys", "others")
    names = {int(key): label for key, label in stated.items()}
    if sorted(names) != list(range(len(stated))):
        raise _broken(path, f"the keys 0 to {len(stated) - 1}, as the network's outputs are counted", _keys(names))
    if config.get("num_labels") not in (None, len(names)):
        raise _broken(path, f"as many labels as num_labels ({config['num_labels']})", str(len(names)))
    unnamed = [index for index, label in sorted(names.items()) if label is None or not str(label).strip()]
    if unnamed:
        raise _broken(path, "a name for every label", f"none for {unnamed[0]}")
    labels = tuple(str(names[index]) for index in range(len(names)))
    doubled = [label for label, count in Counter(labels).items() if count > 1]
    if doubled:
        raise _broken(path, "distinct labels", f"{doubled[0]!r} {Counter(labels)[doubled[0]]} times")
    return LabelMap(labels, _is_multi_label(path, config, labels))


def score_map_bytes(labels: tuple[str, ...]) -> int:
    """About how many bytes the scores of a text are as JSON, all labels named."""
    digits = 12  # of a probability, colon and comma among them
    return sum(len(label.encode("utf-8", "replace")) + len('""') + digits for label in labels)


def too_many_labels(labels: tuple[str, ...], *, max_message_bytes: int) -> str:
    """Why no result of these labels fits into a message, "" where one may."""
    size = score_map_bytes(labels)
    if size <= max_message_bytes:
        return ""
    return (
        f"the scores of {len(labels)} labels are about {size} bytes, more than output.max_message_bytes "
        f"({max_message_bytes}): every text would be a dead letter; raise it, and max.message.bytes of the topics"
    )


def _is_multi_label(path: Path, config: Mapping[str, Any], labels: tuple[str, ...]) -> bool:
    problem = config.get("problem_type")
    multi_label = problem == "multi_label_classification"
    if problem == "regression" or (len(labels) < _LEAST_LABELS and not multi_label):
        raise ConfigurationError(
            f"{path}: expected a classifier with at least {_LEAST_LABELS} labels, got {len(labels)} "
            f"(problem_type {problem}); for one independent label set problem_type in its config.json "
            "to multi_label_classification, else choose another model"
        )
    return multi_label


def _keys(names: Mapping[int, Any]) -> str:
    keys = sorted(names)
    missing = sorted(set(range(keys[-1] + 1)) - set(keys)) if keys else []
    return f"{keys[0]} to {keys[-1]} without {', '.join(map(str, missing[:3]))}" if keys else "none"


def _broken(path: Path, expected: str, got: str) -> ConfigurationError:
    return ConfigurationError(f"{path}: id2label: expected {expected}, got {got}; correct the file")
