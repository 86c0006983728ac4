"""Options that have become constants: their names are accepted for one version, with a warning."""

import warnings
from collections.abc import Mapping
from typing import Any

from textsieve.worker.settings.section import Section


def without_constants(given: Mapping[str, Any], sections: Mapping[str, type[Section]]) -> dict[str, Any]:
    """The options that are given, without those that nobody can set any more; each of them is warned of.

    Args:
        given: section to option to value.
        sections: by their names.
    """
    return {
        name: _options(name, options, sections[name]) if name in sections and isinstance(options, Mapping) else options
        for name, options in given.items()
    }


def _options(section: str, given: Mapping[str, Any], model: type[Section]) -> dict[str, Any]:
    constants = model.__class_vars__
    for name in sorted(given.keys() & constants):
        warnings.warn(
            f"{section}.{name} is now a constant, {getattr(model, name)}: what is set does nothing; remove it",
            FutureWarning,  # shown by default: it is for whoever wrote the settings
            stacklevel=2,
        )
    return {name: value for name, value in given.items() if name not in constants}
