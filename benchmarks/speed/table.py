"""The result as people read it."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.speed.verdict import CEILINGS, TARGETS, reached


def show(found: Mapping[str, Any], console: Console) -> None:
    """Print what was measured."""
    for section in ("side_by_side", "road", "repeats"):
        if section in found:
            console.print(_rates(section.replace("_", " "), found[section]))
    if "engines" in found:
        console.print(_engines(found["engines"]))
    if "latency" in found:
        console.print(_latencies(found["latency"]))
    console.print(_verdict(found["verdict"]))


def _rates(title: str, rates: Mapping[str, Any]) -> Table:
    table = Table(title=f"{title}: messages/s")
    for column in ("", "median", "lowest", "highest", "rounds"):
        table.add_column(column, justify="left" if not column else "right")
    for name, told in rates.items():
        figures = (f"{told[part]:,.1f}" for part in ("median", "lowest", "highest"))
        table.add_row(name, *figures, str(len(told["rounds"])))
    return table


def _engines(told: Mapping[str, Any]) -> Table:
    roof = told["roof_tokens_per_second"]
    table = Table(title=f"engines: raw forward, texts of {told['mean_tokens']:.1f} tokens; roof {roof:,.0f} tokens/s")
    for column in ("", "messages/s", "of the fp32 roof", "labels as fp32", "mean cosine", "least cosine"):
        table.add_column(column, justify="left" if not column else "right")
    for name, forward in told["forward"].items():
        agreement = told["accuracy"][name].values()
        chosen = (
            f" ({forward['engine']['engine']} {forward['engine']['precision']})" if name in {"auto", "fp32"} else ""
        )
        table.add_row(
            f"{name}{chosen}",
            f"{forward['messages_per_second']['median']:,.1f}",
            f"{forward['share_of_roof']:.0%}",
            f"{min(one['label_agreement'] for one in agreement):.4f}",
            f"{min(one['mean_cosine'] for one in agreement):.4f}",
            f"{min(one['min_cosine'] for one in agreement):.4f}",
        )
    return table


def _latencies(loads: Mapping[str, Any]) -> Table:
    table = Table(title="latency from when a message was due: milliseconds")
    for column in ("load", "messages/s", "p50", "p95", "p99", "unanswered"):
        table.add_column(column, justify="right")
    for load, told in loads.items():
        figures = (f"{told[name] * 1000:,.0f}" for name in ("p50", "p95", "p99"))
        table.add_row(load, f"{told['per_second']:,.0f}", *figures, str(told["unanswered"]))
    return table


def _verdict(told: Mapping[str, float]) -> Table:
    table = Table(title="against the targets")
    for column in ("", "measured", "target", ""):
        table.add_column(column, justify="left" if not column else "right")
    for name, value in told.items():
        target = TARGETS.get(name, CEILINGS.get(name))
        wanted = "" if target is None else f"{'>=' if name in TARGETS else '<='} {target:g}"
        mark = {True: "[green]reached[/]", False: "[red]missed[/]", None: ""}[reached(name, value)]
        table.add_row(name, f"{value:,.4g}", wanted, mark)
    return table
