"""The result as people read it."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table


def show(found: Mapping[str, Any], console: Console) -> None:
    """Print what was measured; a section that failed says why."""
    console.print(f"[bold]{found['about']['machine']['device']}[/]", highlight=False)
    for name, draw in _DRAWN.items():
        section = found.get(name)
        if section is None:
            continue
        if "fault" in section:
            console.print(f"{name}: {section['fault']}", markup=False, highlight=False)
            continue
        console.print(draw(section))


def agreement(section: Mapping[str, Any]) -> Table:
    """A row for each arithmetic and set of texts."""
    columns = ("texts", "label_agreement", "expected_loss", "mean_cosine", "min_cosine", "largest_difference")
    table = _table("agreement with float32 on the CPU", columns)
    for arithmetic, sets in section.items():
        for name, told in sets.items():
            table.add_row(
                f"{arithmetic}, {name}", *(f"{told[column]:g}" if column in told else "" for column in columns)
            )
    return table


def passes(section: Mapping[str, Any]) -> Table:
    """A row for each arithmetic and budget."""
    table = _table(
        f"engine alone, texts of {section['mean_tokens']} tokens",
        ("texts/s", "lowest", "highest", "TFLOP/s", "padding", "MiB"),
    )
    for name, told in section["arms"].items():
        rate = told["texts_per_second"]
        speeds = (f"{rate[part]:,.0f}" for part in ("median", "lowest", "highest"))
        reserved = told["peak_mib"].get("reserved", 0)
        table.add_row(name, *speeds, f"{told['tflop_per_second']:g}", f"{told['padding']:.1%}", f"{reserved:,.0f}")
    return table


def loops(section: Mapping[str, Any]) -> Table:
    """A row for each loop and size of a poll."""
    table = _table("in one process", ("texts/s", "lowest", "highest"))
    for size, rated in section.items():
        if isinstance(rated, Mapping):
            for name, rate in rated.items():
                figures = (f"{rate[part]:,.0f}" for part in ("median", "lowest", "highest"))
                table.add_row(f"{size}: {name}", *figures)
    return table


def crews(section: Mapping[str, Any]) -> Table:
    """A row for each crew."""
    table = _table("broker to broker", ("messages/s", "lowest", "highest", "cores", "broker's", "busy", "MiB", "ready"))
    for name, told in section.items():
        if "fault" in told:
            table.add_row(name, "failed")
            continue
        rate, cores = told["messages_per_second"], told["cores"]
        known = [share for share in told["device_busy"] if share is not None]
        table.add_row(
            name + (" (RAN DRY)" if told["ran_dry"] else ""),
            *(f"{rate[part]:,.0f}" for part in ("median", "lowest", "highest")),
            *(f"{cores.get(user, 0):.1f}" for user in ("workers", "broker")),
            f"{max(known):.0%}" if known else "",
            f"{told['device_mib']:,.0f}",
            f"{told['ready_seconds']:.1f} s",
        )
    return table


def latency(section: Mapping[str, Any]) -> Table:
    """A row for each load."""
    table = _table("produce to publish, ms", ("messages/s", "p50", "p95", "p99", "unanswered"))
    for name, told in section.items():
        shares = (f"{told[share] * 1e3:.1f}" for share in ("p50", "p95", "p99"))
        table.add_row(name, f"{told['per_second']:,.0f}", *shares, str(told["unanswered"]))
    return table


def plainly(title: str) -> Any:
    """For what is few figures: a row for each."""

    def draw(section: Mapping[str, Any]) -> Table:
        table = _table(title, ("",))
        for name, told in section.items():
            table.add_row(name, str(told))
        return table

    return draw


def _table(title: str, columns: tuple[str, ...]) -> Table:
    table = Table(title=title)
    for column in ("", *columns):
        table.add_column(column, justify="left" if not column else "right")
    return table


_DRAWN: Mapping[str, Any] = {
    "roof": plainly("the most that the device does"),
    "agreement": agreement,
    "full": plainly("a batch that does not fit"),
    "passes": passes,
    "fresh": plainly("shapes that come for the first time"),
    "loops": loops,
    "crews": crews,
    "latency": latency,
    "replayed": plainly("launches"),
    "compiled": plainly("torch.compile"),
}
