"""What labels mean, in words: from a file, or from their names."""

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path

from textsieve.worker.errors import ConfigurationError

Descriptions = Mapping[str, tuple[str, ...]]  # label -> what it means; empty for the label of whatever is left

_MARKS = str.maketrans(dict.fromkeys("_-/.?!", " "))  # what stands between the words of a label


def read_descriptions(path: Path) -> Descriptions:
    """Read `label = ["description", ...]`, one line a label.

    Raises:
        ConfigurationError: the file is no TOML, or something else stands in it.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{path}: expected a TOML file, got {type(error).__name__}") from error
    for label, texts in content.items():
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise ConfigurationError(f'{path}: expected {label} = ["description", ...], got something else')
    return {label: tuple(texts) for label, texts in content.items()}


def described_by_name(labels: Iterable[str]) -> Descriptions:
    """Each label by its own words: `card_arrival` is "card arrival"."""
    return {label: (" ".join(label.translate(_MARKS).casefold().split()) or label,) for label in labels}


def require_described(descriptions: Descriptions, labels: Iterable[str]) -> None:
    """Refuse descriptions that leave out a label.

    Raises:
        ConfigurationError: it names the first one.
    """
    absent = [label for label in labels if label not in descriptions]
    if absent:
        raise ConfigurationError(
            f"--descriptions: expected a line for each label, got none for {absent[0]!r}; add it, empty ([]) if it is "
            "the label of what is near no other"
        )
