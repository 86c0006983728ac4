"""A classifier of the user's own, by scikit-learn's protocol: MODULE:FACTORY."""

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from textsieve.worker.errors import ConfigurationError


def is_own(name: str) -> bool:
    """Whether a method is named as MODULE:FACTORY."""
    return ":" in name


def make_own_classifier(name: str) -> Any:
    """What the factory gives; the module may lie in the current folder.

    Args:
        name: MODULE:FACTORY; called without arguments, it gives what has `fit(texts, targets)` and `predict(texts)`,
            such as a pipeline. Targets are numbers [texts], or [texts, labels] of 0 and 1 where labels are independent.

    Raises:
        ConfigurationError: there is no such module or factory, or it gives something else.
    """
    module, _, factory = name.partition(":")
    if "" not in sys.path and str(Path.cwd()) not in sys.path:
        sys.path.append(str(Path.cwd()))  # a console script does not look there; last, so that it hides nothing
    try:
        made = getattr(import_module(module), factory)()
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise ConfigurationError(
            f"--methods: expected MODULE:FACTORY, called without arguments, got {name!r}: {error}"
        ) from error
    if not (hasattr(made, "fit") and hasattr(made, "predict")):
        raise ConfigurationError(
            f"--methods: expected {name} to give a classifier with fit and predict, got {type(made).__name__}"
        )
    return made


def own_source(name: str) -> Path:
    """The file of the module: what is done by another version of it is not done.

    Raises:
        ConfigurationError: as `make_own_classifier`.
    """
    make_own_classifier(name)
    return Path(str(sys.modules[name.partition(":")[0]].__file__))
