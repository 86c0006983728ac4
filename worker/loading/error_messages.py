"""Says what is wrong with settings, a line each."""

from collections.abc import Iterator, Mapping
from typing import cast

from pydantic import ValidationError

from textsieve.worker.loading.suggestions import did_you_mean, meant
from textsieve.worker.settings import ENV_PREFIX, Section, Settings


def explained(error: ValidationError) -> Iterator[str]:
    """One line for each fault that pydantic found; secrets are never shown."""
    for fault in error.errors(include_url=False, include_context=False):
        name = ".".join(str(part) for part in fault["loc"])
        got = f", got {str(fault['input'])[:80]!r}" if _may_be_shown(fault["loc"], fault["input"]) else ""
        if fault["type"] == "extra_forbidden":
            yield f"{name}: there is no such {'option' if len(fault['loc']) > 1 else 'section'}{did_you_mean(name)}"
        else:
            yield f"{name}: {fault['msg'].removeprefix('Value error, ')}{got}"


def _may_be_shown(place: tuple[int | str, ...], value: object) -> bool:
    """A value of one option that holds no secret; whole sections and the input of cross-checks may hold one."""
    private = any(word in str(part) for part in place for word in ("password", "token", "url"))
    return len(place) > 1 and not private and isinstance(value, str | int | float | bool | None)


def unknown_variables(environ: Mapping[str, str]) -> Iterator[str]:
    """What is wrong with the names of variables that look like ours."""
    for name in environ:
        section, separator, option = name.removeprefix(ENV_PREFIX).lower().partition("__")
        if not name.startswith(ENV_PREFIX) or section in Settings.model_fields:
            continue
        if separator:
            expected = ", ".join(Settings.model_fields)
            near = meant(f"{section}.{option}")
            advice = "" if near is None else f"; did you mean {ENV_PREFIX}{near.upper().replace('.', '__')}?"
            yield f"{name}: expected one of the sections {expected}, got {section}{advice}"
        elif with_two := _with_two_underscores(section):
            yield f"{name}: expected two underscores after the section; did you mean {with_two}?"


def _with_two_underscores(name: str) -> str | None:
    """The variable somebody meant who wrote one underscore where two belong."""
    for section, outer in Settings.model_fields.items():
        option = name.removeprefix(section + "_")
        if option != name and option in cast("type[Section]", outer.annotation).model_fields:
            return f"{ENV_PREFIX}{section}__{option}".upper()
    return None
