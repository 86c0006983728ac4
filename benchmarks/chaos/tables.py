"""Tables for people."""

from rich.console import Console
from rich.table import Column, Table

from benchmarks.chaos.reports import FaultReport, Report, RunnerFailed, StreamReport
from benchmarks.chaos.summary import Summary


def show_line(console: Console, line: Report) -> None:
    """One line of progress."""
    match line:
        case FaultReport() if line.counts:
            seconds = "never" if line.recovery_seconds is None else f"{line.recovery_seconds:.1f} s"
            repeated = f", [red]{line.repeated} repeated[/red]" if line.repeated else ""
            console.print(
                f"stream {line.stream:>2}  {line.fault}: {line.unfinished} unfinished, recovered in {seconds}{repeated}"
            )
        case FaultReport():
            console.print(f"stream {line.stream:>2}  {line.fault}: [yellow]{line.note}[/yellow]")
        case StreamReport():
            verdict = line.verdict
            word = "[green]good[/green]" if verdict.is_good else f"[red]{verdict}[/red]"
            console.print(
                f"stream {line.stream:>2}  judged after {line.seconds:.0f} s, {verdict.inputs} messages: {word}"
            )
        case RunnerFailed():
            console.print(f"[red]failed: {line.reason}[/red]")


def show_summary(console: Console, summary: Summary) -> None:
    """The table, then the verdict."""
    table = Table(
        Column("event", no_wrap=True),
        "injected",
        "missed",
        "median s",
        "max s",
        "repeated",
        title="Recovery, answered and counted",
    )
    for column in table.columns[1:]:
        column.justify = "right"
    for row in summary.rows:
        seconds = ["" if value is None else f"{value:.1f}" for value in (row.median_seconds, row.max_seconds)]
        table.add_row(row.fault, str(row.events), str(row.missed or ""), *seconds, str(row.repeated or ""))
    console.print(table)
    numbers = summary.as_json()
    shown = (
        "events",
        "inputs",
        "lost",
        "pending",
        "duplicates",
        "zombie_duplicates",
        "miscounted",
        "misjudged",
        "reordered",
    )
    console.print("  ".join(f"{name} {numbers[name]}" for name in shown))
    for fault in summary.unrecovered:
        console.print(f"[red]never recovered: {fault}[/red]")
    for error in (*summary.worker_errors, *summary.failures):
        console.print(f"[yellow]{error}[/yellow]")
    if summary.skipped:
        console.print(f"skipped, because what they concern is not ours: {', '.join(summary.skipped)}")
    console.print(
        "[green]nothing lost, nothing twice[/green]" if summary.is_good else "[red]the promise was broken[/red]"
    )
