"""The end of a demo, for people."""

from collections.abc import Mapping
from dataclasses import asdict

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from textsieve.embedded.demo.comparison import Comparison
from textsieve.embedded.demo.evaluation import Evaluation, Pair
from textsieve.embedded.demo.live import cluster_table, seconds
from textsieve.embedded.demo.model_card import ModelCard
from textsieve.embedded.demo.run import Outcome
from textsieve.embedded.demo.summary import Summary
from textsieve.terminal import printable

LABELS_SHOWN = 12  # a confusion matrix of more does not fit a terminal


def print_outcome(console: Console, outcome: Outcome) -> None:
    """Say what became of every message."""
    summary = outcome.summary
    tables = [_flow(summary), _counts("label", summary.labels), _counts("worker", outcome.workers)]
    if outcome.reasons:
        tables.append(_counts("dead letter", outcome.reasons))
    if outcome.progress.clusters:
        tables.append(cluster_table(outcome.progress))
    for table in tables:
        console.print(table)
        console.print()
    if outcome.comparison is not None:
        print_comparison(console, outcome.comparison)


def as_json(outcome: Outcome) -> bytes:
    """The summary as one JSON object; with `evaluation` where the user's file carries labels."""
    line = asdict(outcome.summary)
    if outcome.comparison is not None:
        evaluation, card = outcome.comparison.evaluation, outcome.comparison.card
        line["evaluation"] = {
            "accuracy": round(evaluation.accuracy, 4),
            "f1": {label: round(score.f1, 4) for label, score in evaluation.scores.items()},
            "cross_validated": {} if card is None else card.metrics,
            "caveat": _caveat(card),
        }
    return msgspec.json.encode(line)


def print_comparison(console: Console, comparison: Comparison) -> None:
    """Say how well the labels fit the ones in the file, and how much that says about the model."""
    if not comparison.has_common_labels:
        console.print("No label in the file is one that the model gave: there is nothing to compare.", highlight=False)
        return
    if len(comparison.evaluation.labels) <= LABELS_SHOWN:
        console.print(_matrix(comparison.evaluation))
    console.print(_scores(comparison))
    console.print(_caveat(comparison.card), highlight=False, markup=False)


def _matrix(evaluation: Evaluation) -> Table:
    matrix = Table("in the file", title="against the labels in the file", title_justify="left", box=None)
    for answer in evaluation.labels:
        matrix.add_column(Text(f"labelled {printable(answer)}"))
    for truth in evaluation.labels:
        counts = (evaluation.confusion.get(Pair(truth, answer), 0) for answer in evaluation.labels)
        matrix.add_row(Text(printable(truth)), *map(str, counts))
    return matrix


def _scores(comparison: Comparison) -> Table:
    scores = Table("", "here", "cross-validated", box=None)
    evaluation, card = comparison.evaluation, comparison.card
    scores.add_row("accuracy", f"{evaluation.accuracy:.3f}", _figure(card, "accuracy"))
    for label, score in evaluation.scores.items():
        for name, value in {"precision": score.precision, "recall": score.recall, "f1": score.f1}.items():
            scores.add_row(Text(f"{printable(label)} {name}"), f"{value:.3f}", _figure(card, f"{label}.{name}"))
    return scores


def _caveat(card: ModelCard | None) -> str:
    if card is None:
        return "Cross-validated figures are known only for the head that comes with textsieve."
    return (
        f"The head {card.name} {card.version} was trained on {card.data.name} (the data set sms_spam). For a file that"
        " comes from there, the figures under `here` are those of its own training texts: trust the ones beside them,"
        f" cross-validated on {card.data.used_rows} texts that were held out in turn (mean ± standard deviation)."
    )


def _figure(card: ModelCard | None, name: str) -> str:
    figure = None if card is None else card.metrics.get(name)
    return "-" if figure is None else f"{figure.mean:.3f} ± {figure.std:.3f}"


def _flow(summary: Summary) -> Table:
    rows = {
        "produced": summary.produced,
        "labelled": summary.labelled,
        "dead letters": summary.dead_lettered,
        "lost": summary.lost,
        "repeated": summary.duplicates,
        "learned": f"{summary.learned} in {summary.clusters} clusters",
        "throughput": "-" if summary.messages_per_second is None else f"{summary.messages_per_second:.0f} messages/s",
        "latency": f"p50 {seconds(summary.p50_seconds)}, p99 {seconds(summary.p99_seconds)} from sent to labelled,"
        " the wait behind all that were sent before included",
        "first result": f"{seconds(summary.seconds_to_first_result)} after the start of this command",
    }
    flow = Table(title="what became of every message", title_justify="left", show_header=False, box=None)
    for name, value in rows.items():
        flow.add_row(name, str(value))
    return flow


def _counts(what: str, counts: Mapping[str, int]) -> Table:
    total = sum(counts.values())
    table = Table(what, "messages", "share", box=None)
    for name, count in counts.items():
        table.add_row(Text(printable(name)), str(count), f"{count / total:.1%}")
    return table
