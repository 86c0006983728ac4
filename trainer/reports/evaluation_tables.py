"""An evaluation as titled tables, for whatever page they end on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from textsieve.trainer.evaluation.evaluate import Evaluation, Slice
from textsieve.trainer.evaluation.robustness import Robustness
from textsieve.trainer.evaluation.thresholds import Proportion

MOST_CONFUSION_LABELS = 12  # wider tables are not read; the picture shows more
MOST_DISGUISED_LABELS = 4  # two columns each; beyond it their mean is shown


@dataclass(frozen=True, slots=True)
class Section:
    """A title, a table and a sentence."""

    title: str
    note: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def sections(evaluation: Evaluation, *, with_texts: bool) -> Iterator[Section]:
    """The tables of a report, in the order of reading.

    Args:
        evaluation: what is shown.
        with_texts: whether mistakes are quoted; else only their lines are named.
    """
    scores, examples = evaluation.scores, evaluation.examples
    yield Section(
        "Data",
        "Texts that differ only in case or white space are one text; those with contradicting labels are left out."
        + _truncated(evaluation),
        ("rows", "judged", "repeats", "contradicting", "without text", "answered by"),
        (
            (
                *_counts(examples.rows, scores.texts, examples.duplicates, examples.conflicts, examples.empty),
                evaluation.card.engine or "-",
            ),
        ),
    )
    what = "all their labels" if evaluation.card.multi_label else "their label"
    yield Section(
        "Overall",
        f"Accuracy: texts with {what} right. Macro: every label counts the same. Calibration error: mean "
        "distance between confidence and accuracy over ten bins.",
        ("accuracy", "macro F1", "micro F1", "MCC", "ROC AUC", "PR AUC", "log loss", "calibration error"),
        (
            (
                _number(scores.accuracy),
                _number(scores.macro.f1),
                _number(scores.micro.f1),
                _number(scores.mcc),
                _number(scores.roc_auc),
                _number(scores.pr_auc),
                _number(evaluation.log_loss),
                _number(evaluation.calibration_error),
            ),
        ),
    )
    yield Section(
        "Labels",
        _in_force(evaluation),
        ("label", "texts", "precision", "recall", "F1", "ROC AUC", "PR AUC"),
        tuple(
            (
                one.label,
                f"{one.support:,}",
                *map(_number, (one.scores.precision, one.scores.recall, one.scores.f1, one.roc_auc, one.pr_auc)),
            )
            for one in scores.labels
        ),
    )
    yield from _confusion(evaluation)
    yield Section(
        "Calibration",
        "Of the predictions in a row, the share that was right should equal the confidence.",
        ("predictions", "confidence", "right"),
        tuple((f"{one.count:,}", _number(one.confidence), _number(one.accuracy)) for one in evaluation.bins),
    )
    yield from _thresholds(evaluation)
    yield from _zero_shot(evaluation)
    yield from _slices("Length", evaluation.by_length)
    yield from _slices("Slices", evaluation.by_column)
    yield from _disguised(evaluation)
    yield _mistakes(evaluation, with_texts=with_texts)


def _truncated(evaluation: Evaluation) -> str:
    if not evaluation.truncated:
        return ""
    return f" {evaluation.truncated:,} go on behind the last window and were judged by what was read (--max-windows)."


def _in_force(evaluation: Evaluation) -> str:
    thresholds = evaluation.card.thresholds
    if not thresholds:
        return ""
    return f"The model gives {', '.join(f'{label} from {least:g} on' for label, least in thresholds.items())}."


def _confusion(evaluation: Evaluation) -> Iterator[Section]:
    confusion, names = evaluation.scores.confusion, evaluation.card.labels
    if confusion is None or len(names) > MOST_CONFUSION_LABELS:
        return
    rows = ((name, *(f"{count:,}" for count in counts)) for name, counts in zip(names, confusion.tolist(), strict=True))
    yield Section("Confusion", "Rows are true labels, columns what was said.", ("", *names), tuple(rows))


def _thresholds(evaluation: Evaluation) -> Iterator[Section]:
    if not evaluation.thresholds:
        return
    yield Section(
        "Thresholds",
        "The label counts from this probability on. Intervals: 95 %, Clopper-Pearson. The thresholds were picked on "
        "these texts, so expect a little less on others. A label is absent where no threshold keeps the wish.",
        ("label", "wish", "threshold", "precision", "recall"),
        tuple(
            (one.label, f"{one.wish} {one.wished:g}", _number(one.threshold), _share(one.precision), _share(one.recall))
            for one in evaluation.thresholds
        ),
    )


def _zero_shot(evaluation: Evaluation) -> Iterator[Section]:
    found = evaluation.zero_shot
    if found is None:
        return
    best = "" if found.least_similarity is None else f", model.least_similarity = {found.least_similarity:g}"
    yield Section(
        "Zero-shot calibration",
        f"Best on these texts: model.temperature = {found.temperature:g} (least log loss){best}"
        f"{' (most texts right)' if best else ''}. The label without descriptions is given where none is nearer.",
        ("least similarity", "accuracy", "its precision", "its recall"),
        tuple(
            tuple(map(_number, (one.least_similarity, one.accuracy, one.precision, one.recall))) for one in found.cuts
        ),
    )


def _slices(title: str, slices: Sequence[Slice]) -> Iterator[Section]:
    if not slices:
        return
    yield Section(
        title,
        "Accuracy with its 95 % interval (Clopper-Pearson); F1 over the labels that occur in the slice.",
        ("slice", "texts", "accuracy", "macro F1"),
        tuple(
            (one.name, f"{one.texts:,}", _share(Proportion(one.accuracy, one.low, one.high)), _number(one.macro_f1))
            for one in slices
        ),
    )


def _disguised(evaluation: Evaluation) -> Iterator[Section]:
    if not evaluation.disguised:
        return
    names = evaluation.disguised[0].before  # labels that some text carries
    wide = len(names) > MOST_DISGUISED_LABELS

    def recalls(one: Robustness) -> Iterator[str]:
        for label in () if wide else names:
            yield from (_number(one.before[label]), _number(one.after[label]))
        if wide:
            yield from (_number(sum(recall.values()) / len(names)) for recall in (one.before, one.after))

    heads = ["mean recall"] if wide else [f"recall of {label}" for label in names]
    yield Section(
        "Disguised spelling",
        "The same texts, half of their words disguised: recall where the model reads what comes (before), and where "
        "the disguise is undone first as a worker does it (after). Marked: results that would say `obfuscated`.",
        ("disguise", "changed", "marked", *(f"{head}, {when}" for head in heads for when in ("before", "after"))),
        tuple((one.kind, f"{one.changed:,}", f"{one.marked:,}", *recalls(one)) for one in evaluation.disguised),
    )


def _mistakes(evaluation: Evaluation, *, with_texts: bool) -> Section:
    rows = (
        (
            str(one.line),
            ", ".join(one.given) or "none",
            ", ".join(one.said) or "none",
            _number(one.certainty),
            *((one.text,) if with_texts else ()),
        )
        for one in evaluation.mistakes
    )
    return Section(
        "Worst mistakes",
        "The surest wrong answers first, by their line in the file.",
        ("line", "given", "said", "certainty", *(("text",) if with_texts else ())),
        tuple(rows),
    )


def _counts(*counts: int) -> tuple[str, ...]:
    return tuple(f"{count:,}" for count in counts)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _share(one: Proportion) -> str:
    return f"{one.value:.4f} ({one.low:.4f}-{one.high:.4f})"
