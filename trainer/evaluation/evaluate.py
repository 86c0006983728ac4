"""Judges a model that a worker could serve on texts that had no part in its training."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from textsieve.trainer.data.examples import Examples, Targets
from textsieve.trainer.data.reading import Columns, read_examples
from textsieve.trainer.data.splits import require_disjoint
from textsieve.trainer.evaluation.batch_prediction import predict_all
from textsieve.trainer.evaluation.calibration import Bin, expected_calibration_error, log_loss, reliability
from textsieve.trainer.evaluation.robustness import Robustness, evaluate_robustness
from textsieve.trainer.evaluation.scores import Scores, macro_f1, score
from textsieve.trainer.evaluation.thresholds import TargetMetric, Threshold, find_threshold, share
from textsieve.trainer.evaluation.zero_shot_calibration import ZeroShotCalibration, calibrate_zero_shot
from textsieve.worker.errors import ConfigurationError
from textsieve.worker.inference.decisions import assigned_labels
from textsieve.worker.inference.loading import load_predictor
from textsieve.worker.inference.predictor import ModelCard
from textsieve.worker.records import Predictions, Probabilities
from textsieve.worker.settings import ModelSettings

WORST = 20  # mistakes in a report: more are not read
_SEED = 0  # of disguises: every model is asked the same texts
_LENGTHS = (8, 16, 32, 64, 128, 256, 512)  # tokens: upper ends of the slices by length


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of the texts that have something in common."""

    name: str
    texts: int
    accuracy: float
    low: float  # of the accuracy, 95 %
    high: float
    macro_f1: float  # over the labels that hold in the slice


@dataclass(frozen=True, slots=True)
class Mistake:
    """A text whose labels are not what the model said."""

    line: int
    text: str
    given: tuple[str, ...]
    said: tuple[str, ...]
    certainty: float  # the largest distance between a probability and the truth


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A model, judged."""

    card: ModelCard
    examples: Examples
    probabilities: Probabilities  # [texts, labels]
    targets: Targets  # [texts, labels]
    scores: Scores
    log_loss: float
    calibration_error: float
    bins: tuple[Bin, ...]
    by_length: tuple[Slice, ...]
    by_column: tuple[Slice, ...]
    thresholds: tuple[Threshold, ...]
    mistakes: tuple[Mistake, ...]  # the worst ones
    truncated: int = 0  # texts that go on behind the last window that was read
    zero_shot: ZeroShotCalibration | None = None  # of labels that are described
    disguised: tuple[Robustness, ...] = ()  # nothing where it was not asked for


@dataclass(frozen=True, slots=True)
class EvaluationOptions:
    """What is judged, and what is asked beyond the usual."""

    data: Path
    columns: Columns
    model: ModelSettings
    training: Path | None  # texts that the model was trained on: none may be among the data
    wishes: tuple[tuple[TargetMetric, float], ...]
    disguised: bool = False  # also let it answer the same texts in every kind of disguise


def evaluate(options: EvaluationOptions, *, progress: Callable[[str, int, int], None] = lambda *_: None) -> Evaluation:
    """Let the model answer every text, exactly as a worker would, and compare.

    Raises:
        ConfigurationError: the model or the data does not fit, or texts are among the training data.
        PredictorError: the model failed on the texts.
    """
    examples = read_examples(options.data, replace(options.columns, normalize=False))  # a disguised twin counts, too
    if options.columns.normalize:
        examples = examples.normalized()
    if not examples.kept:
        raise ConfigurationError(f"{options.data}: expected labelled texts, got none")
    if options.training is not None:
        everything = replace(options.columns, only=None)  # what is left out here was trained on all the same
        require_disjoint(read_examples(options.training, everything), examples, name=str(options.data))
    predictor = load_predictor(options.model)
    card = predictor.card
    if examples.multi_label and not card.multi_label:
        raise ConfigurationError(f"{options.data}: expected one label for each text, as {card.name} gives, got lists")
    targets = examples.targets(card.labels)
    total = len(examples.kept)
    predictions = predict_all(predictor, examples.texts, tick=lambda count: progress("predict", count, total))
    judged = evaluate_predictions(card, examples, predictions, targets, wishes=options.wishes)
    if options.model.labels:
        judged = replace(judged, zero_shot=calibrate_zero_shot(predictions.probabilities, targets, options.model))
    if not options.disguised:
        return judged

    def tick(count: int, total: int) -> None:
        progress("disguise", count, total)

    return replace(judged, disguised=evaluate_robustness(predictor, examples, targets, seed=_SEED, tick=tick))


def evaluate_predictions(
    card: ModelCard,
    examples: Examples,
    predictions: Predictions,
    targets: Targets,
    *,
    wishes: Sequence[tuple[TargetMetric, float]] = (),
) -> Evaluation:
    """Everything that can be said about predictions; pure."""
    probabilities, multi_label = predictions.probabilities, card.multi_label
    bins = reliability(probabilities, targets, multi_label=multi_label)
    decided = assigned_labels(probabilities, card)
    columns = np.asarray([row.slice for row in examples.kept])
    lengths = np.asarray([_length_name(int(count)) for count in predictions.token_counts])
    found = (
        find_threshold(probabilities[:, index], targets[:, index], label=label, wish=wish, wished=wished)
        for wish, wished in wishes
        for index, label in enumerate(card.labels)
    )
    return Evaluation(
        card=card,
        examples=examples,
        probabilities=probabilities,
        targets=targets,
        scores=score(probabilities, targets, names=card.labels, multi_label=multi_label, decided=decided),
        log_loss=log_loss(probabilities, targets, multi_label=multi_label),
        calibration_error=expected_calibration_error(bins),
        bins=tuple(bins),
        by_length=_slices(
            lengths, targets, decided, order=[_length_name(end) for end in (*_LENGTHS, _LENGTHS[-1] + 1)]
        ),
        by_column=_slices(columns, targets, decided, order=sorted(set(columns.tolist()) - {""})),
        thresholds=tuple(one for one in found if one is not None),
        mistakes=_worst(card, examples, probabilities, targets, decided),
        truncated=int(predictions.truncated.sum()),
    )


def _length_name(tokens: int) -> str:
    for start, end in zip((0, *_LENGTHS), _LENGTHS, strict=False):
        if tokens <= end:
            return f"{start + 1}-{end} tokens"
    return f"over {_LENGTHS[-1]} tokens"


def _slices(names: NDArray[np.str_], targets: Targets, decided: Targets, *, order: Sequence[str]) -> tuple[Slice, ...]:
    found = []
    for name in order:
        rows = names == name
        if not rows.any():
            continue
        right = (targets[rows] == decided[rows]).all(axis=1)
        accuracy = share(int(right.sum()), len(right))
        present = targets[rows].any(axis=0)
        f1 = macro_f1(targets[rows][:, present], decided[rows][:, present]) if present.any() else 0.0
        found.append(Slice(name, len(right), accuracy.value, accuracy.low, accuracy.high, f1))
    return tuple(found)


def _worst(
    card: ModelCard, examples: Examples, probabilities: Probabilities, targets: Targets, decided: Targets
) -> tuple[Mistake, ...]:
    distance = np.abs(probabilities - targets).max(axis=1)
    wrong = np.flatnonzero((targets != decided).any(axis=1))
    worst = wrong[np.argsort(-distance[wrong], kind="stable")][:WORST]
    return tuple(
        Mistake(
            line=examples.kept[index].line,
            text=examples.kept[index].text,
            given=examples.kept[index].labels,
            said=tuple(label for label, said in zip(card.labels, decided[index], strict=True) if said),
            certainty=float(distance[index]),
        )
        for index in worst
    )
