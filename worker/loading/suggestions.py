"""Names the option that somebody meant."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import cast

from textsieve.worker.settings import Section, Settings

LIKENESS = 0.7  # difflib's ratio from which a name is meant: three letters of ten may differ


def options() -> Mapping[str, Iterable[str]]:
    """The names of all options by section."""
    return {
        section: cast("type[Section]", outer.annotation).model_fields
        for section, outer in Settings.model_fields.items()
    }


def meant(name: str) -> str | None:
    """The section, or `section.option`, that is most like a name; None where none is.

    An option of that name in another section comes first, then a likely option of the same section.

    Example:
        >>> meant("kafka.bootstrap_server"), meant("kafak.group_id"), meant("model.url")
        ('kafka.bootstrap_servers', 'kafka.group_id', 'redis.url')
    """
    known, (section, _, option) = options(), name.lower().partition(".")
    if not option:
        return _nearest(section, known) or next((f"{each}.{section}" for each in known if section in known[each]), None)
    if section in known and (near := _nearest(option.replace(".", "_"), known[section])):
        return f"{section}.{near}"
    if section not in known and (near := _nearest(section, known)) and _nearest(option, known[near]):
        return f"{near}.{_nearest(option, known[near])}"
    return next((f"{each}.{option}" for each in known if option in known[each]), None)


def did_you_mean(name: str) -> str:
    """The same as the end of a message."""
    near = meant(name)
    return "" if near is None else f"; did you mean {near}?"


def _nearest(name: str, known: Iterable[str]) -> str | None:
    return next(iter(get_close_matches(name, list(known), n=1, cutoff=LIKENESS)), None)
