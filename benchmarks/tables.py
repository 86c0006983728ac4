"""Results as tables on a terminal: a row for each thing that was measured, a column for each figure."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.table import Table

LARGE = 100  # from here on decimals are noise


def table(title: str, told: Mapping[str, Any]) -> Table:
    """A table of nested results; lists (the single rounds) stay in the file."""
    rows = dict(_rows(told))
    columns = list(dict.fromkeys(column for figures in rows.values() for column in figures))
    drawn = Table(title=title)
    for column in ("", *columns):
        drawn.add_column(column.replace("_", " "), justify="right" if column else "left")
    for name, figures in rows.items():
        drawn.add_row(name, *(figures.get(column, "") for column in columns))
    return drawn


def _rows(told: Mapping[str, Any], name: str = "") -> Iterator[tuple[str, dict[str, str]]]:
    """What holds a figure is a row; what holds but more results is a prefix of their names."""
    if any(not isinstance(value, Mapping) for value in told.values()):
        yield name, dict(_figures(told))
        return
    for key, value in told.items():
        yield from _rows(value, f"{name}, {key}" if name else key)


def _figures(told: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in told.items():
        if isinstance(value, Mapping):
            yield from _figures(value, f"{prefix}{key} ")
        elif not isinstance(value, list | tuple):
            yield f"{prefix}{key}", _shown(value)


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= LARGE else f"{value:.4g}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
