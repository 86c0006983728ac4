"""Settings given as `section.option=value`."""

import json
import re
from collections.abc import Iterable
from typing import Any, cast, get_args, get_origin

from textsieve.worker.errors import ConfigurationError
from textsieve.worker.loading.suggestions import did_you_mean
from textsieve.worker.settings import Section, Settings


def tree_of(overrides: Iterable[str]) -> dict[str, dict[str, Any]]:
    """The options by section; of two that are the same the last one counts.

    A value that begins with a brace or a bracket is JSON. One entry of an option that maps names to values goes by its
    name, which may hold dots: `model.thresholds.spam=0.8`.

    Raises:
        ConfigurationError: one has another form.
    """
    tree: dict[str, dict[str, Any]] = {}
    for override in overrides:
        name, separator, value = override.partition("=")
        section, dot, option = name.strip().partition(".")
        if not (separator and dot):
            beginning = re.split(r"[^\w.]", name.strip())[0]  # a secret may follow a wrong separator
            advice = did_you_mean(beginning) if separator else ""
            raise ConfigurationError(f"--set: expected section.option=value, got {beginning!r}{advice}")
        found = _from_json(name, value) if value.startswith(("{", "[")) else value
        options = tree.setdefault(section, {})
        option, _, key = option.partition(".") if _is_mapping(section, option.partition(".")[0]) else (option, "", "")
        options[option] = {**_entries(options.get(option)), key: _entry(section, option, found)} if key else found
    return tree


def _from_json(name: str, value: str) -> Any:
    try:
        return json.loads(value)
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(
            f"--set {name}: expected JSON after {value[0]!r}, got {type(error).__name__}"
        ) from None


def _is_mapping(section: str, option: str) -> bool:
    return _mapping(section, option) is not None


def _mapping(section: str, option: str) -> Any:
    """The type of an option that maps names to values, None for any other option."""
    outer = Settings.model_fields.get(section)
    field = None if outer is None else cast("type[Section]", outer.annotation).model_fields.get(option)
    kinds = () if field is None else (field.annotation, *get_args(field.annotation))
    return next((kind for kind in kinds if get_origin(kind) is dict), None)


def _entries(given: Any) -> dict[str, Any]:
    return given if isinstance(given, dict) else {}


def _entry(section: str, option: str, value: Any) -> Any:
    """One text for an entry that holds several is one of them."""
    holds_several = get_origin(get_args(_mapping(section, option))[1]) is tuple
    return [value] if holds_several and isinstance(value, str) else value
