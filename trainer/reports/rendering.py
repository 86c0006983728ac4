"""A report as Markdown, as one self-contained HTML page, and as JSON."""

import html
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from textsieve.trainer.evaluation.evaluate import Evaluation
from textsieve.trainer.reports.evaluation_tables import Section

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; color: #222 }
table { border-collapse: collapse; margin: .5rem 0 1.5rem } th, td { border: 1px solid #ddd; padding: .2rem .6rem }
th { background: #f4f4f4; text-align: left } td { vertical-align: top } svg { max-width: 100%; height: auto }
"""
_NO_ROWS = "None."


def as_markdown(title: str, sections: Iterable[Section]) -> str:
    """The report as Markdown."""
    parts = [f"# {title}"]
    for section in sections:
        parts.append(f"## {section.title}")
        if section.note:
            parts.append(section.note)
        if not section.rows:
            parts.append(_NO_ROWS)
            continue
        rows = [section.header, ("---",) * len(section.header), *section.rows]
        parts.append("\n".join(f"| {' | '.join(map(_cell, row))} |" for row in rows))
    return "\n\n".join(parts) + "\n"


def as_html(title: str, sections: Iterable[Section], pictures: Iterable[str]) -> str:
    """The report as one page that loads nothing: style and pictures are in it.

    Args:
        title: of the page.
        sections: its tables.
        pictures: `<svg>` elements.
    """
    parts = [f"<h1>{html.escape(title)}</h1>", *pictures]
    for section in sections:
        head = "".join(f"<th>{html.escape(cell)}</th>" for cell in section.header)
        rows = ("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in section.rows)
        parts.append(f"<h2>{html.escape(section.title)}</h2>")
        if section.note:
            parts.append(f"<p>{html.escape(section.note)}</p>")
        table = f"<table><tr>{head}</tr>\n{chr(10).join(rows)}\n</table>"
        parts.append(table if section.rows else f"<p>{_NO_ROWS}</p>")
    body = "\n".join(parts)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{html.escape(title)}</title><style>{_STYLE}</style></head>\n<body>\n{body}\n</body></html>\n"
    )


def as_json(evaluation: Evaluation, *, with_texts: bool) -> dict[str, Any]:
    """All numbers of a report.

    Args:
        evaluation: what is shown.
        with_texts: whether mistakes are quoted.
    """
    card, examples, scores = evaluation.card, evaluation.examples, evaluation.scores
    mistakes = [asdict(one) for one in evaluation.mistakes]
    for mistake in mistakes:
        if not with_texts:
            del mistake["text"]
    return {
        "model": {
            "name": card.name,
            "version": card.version,
            "labels": card.labels,
            "multi_label": card.multi_label,
            "thresholds": dict(card.thresholds),
        },
        "engine": card.engine,
        "rows": examples.rows,
        "duplicates": examples.duplicates,
        "conflicts": examples.conflicts,
        "empty": examples.empty,
        **asdict(scores),
        "confusion": None if scores.confusion is None else scores.confusion.tolist(),
        "log_loss": evaluation.log_loss,
        "calibration_error": evaluation.calibration_error,
        "reliability": [asdict(one) for one in evaluation.bins],
        "thresholds": [asdict(one) for one in evaluation.thresholds],
        "nearness": None if evaluation.zero_shot is None else asdict(evaluation.zero_shot),
        "by_length": [asdict(one) for one in evaluation.by_length],
        "by_slice": [asdict(one) for one in evaluation.by_column],
        "mistakes": mistakes,
        "disguised": [asdict(one) for one in evaluation.disguised],
    }


def _cell(text: str) -> str:
    """A text that may stand in a Markdown table, whatever is in it."""
    return html.escape(" ".join(text.split()), quote=False).replace("|", "\\|")
