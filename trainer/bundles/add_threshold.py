"""Gives a label of a bundle the threshold that keeps a wish: a new version of the bundle, for a worker to serve."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

import msgspec

from textsieve.trainer.bundles.threshold_section import with_threshold_section
from textsieve.trainer.data.examples import Examples
from textsieve.trainer.data.reading import Columns, read_examples
from textsieve.trainer.data.splits import require_disjoint
from textsieve.trainer.evaluation.batch_prediction import predict_all
from textsieve.trainer.evaluation.thresholds import TargetMetric, Threshold, find_threshold
from textsieve.worker.errors import ConfigurationError
from textsieve.worker.inference.bundle.manifest import Interval, Manifest, ThresholdScore
from textsieve.worker.inference.bundle.reading import Bundle, read_bundle
from textsieve.worker.inference.bundle.writing import require_writable, write_bundle
from textsieve.worker.inference.heads.thresholds import faults
from textsieve.worker.inference.loading import load_predictor
from textsieve.worker.inference.model_folder.model_files import file_sha256
from textsieve.worker.records import Probabilities
from textsieve.worker.settings import ModelSettings

README = "README.md"


@dataclass(frozen=True, slots=True)
class ThresholdOptions:
    """What a label should keep, and on which texts that is judged."""

    bundle: Path
    data: Path
    columns: Columns
    training: Path | None  # texts that the model was trained on: none may be among the data
    label: str
    wish: TargetMetric
    wished: float
    out: Path  # the new bundle's folder
    version: str | None  # of the new bundle; made from the old one and the thresholds if None
    threads: int | None


def add_threshold(
    options: ThresholdOptions, *, now: datetime, progress: Callable[[str, int, int], None] = lambda *_: None
) -> tuple[Manifest, Threshold]:
    """Find the threshold, write the bundle that has it beside those it had, and its card.

    Raises:
        ConfigurationError: bundle, data, label or folder do not fit, or no threshold keeps the wish.
        PredictorError: the model failed on the texts.
    """
    bundle = read_bundle(options.bundle)
    _require_possible(options, bundle.manifest)
    examples = read_examples(options.data, options.columns)
    if not examples.kept:
        raise ConfigurationError(f"{options.data}: expected labelled texts, got none")
    if options.training is not None:
        require_disjoint(read_examples(options.training, options.columns), examples, name=str(options.data))
    column = bundle.manifest.labels.index(options.label)
    holds = examples.targets(bundle.manifest.labels)[:, column]
    probabilities = _probabilities(options, bundle.manifest, examples, progress)[:, column]
    found = find_threshold(probabilities, holds, label=options.label, wish=options.wish, wished=options.wished)
    if found is None:
        raise ConfigurationError(
            f"{options.data}: no threshold gives {options.label!r} a {options.wish} of {options.wished:g} on these "
            f"{len(holds)} texts, {int(holds.sum())} of them {options.label!r}; wish for less, or give more texts"
        )
    return _write(options, bundle, found, texts=len(holds), now=now), found


def _require_possible(options: ThresholdOptions, manifest: Manifest) -> None:
    require_writable(options.out)
    if options.out.resolve() == options.bundle.resolve():
        raise ConfigurationError(f"--out: expected another folder than the bundle's, got {options.out}")
    thresholds = {**manifest.thresholds, options.label: options.wished}
    fault = faults(thresholds, labels=manifest.labels, multi_label=manifest.multi_label)
    if fault:
        raise ConfigurationError(
            f"--label: expected a label of {options.bundle} that may have a threshold, got {fault}"
        )


def _probabilities(
    options: ThresholdOptions, manifest: Manifest, examples: Examples, progress: Callable[[str, int, int], None]
) -> Probabilities:
    """[texts, labels]; of a long text those of the window that shows the label most, as a threshold will read them."""
    predictor = load_predictor(
        ModelSettings(
            path=str(options.bundle),
            kind="bundle",
            threads=options.threads,
            thresholds={**manifest.thresholds, options.label: 0.0},
            engine="torch",  # a bundle does not depend on which engine this machine finds fastest
            precision="fp32",
        )
    )
    total = len(examples.texts)
    return predict_all(predictor, examples.texts, tick=lambda count: progress("predict", count, total)).probabilities


def _write(options: ThresholdOptions, bundle: Bundle, found: Threshold, *, texts: int, now: datetime) -> Manifest:
    score = ThresholdScore(
        wish=found.wish,
        wished=found.wished,
        precision=Interval(**asdict(found.precision)),
        recall=Interval(**asdict(found.recall)),
        texts=texts,
        data_sha256=file_sha256(options.data),
    )
    thresholds = dict(sorted({**bundle.manifest.thresholds, found.label: found.threshold}.items()))
    named = "+".join(f"{label}-{least:.4g}" for label, least in thresholds.items())
    manifest = write_bundle(
        options.out,
        manifest=msgspec.structs.replace(
            bundle.manifest,
            version=options.version or f"{bundle.manifest.version.partition('+')[0]}+{named}",
            thresholds=thresholds,
            threshold_scores={**bundle.manifest.threshold_scores, found.label: score},
            created=now.isoformat(timespec="seconds"),
        ),
        weight=bundle.weight,
        bias=bundle.bias,
        encoder_folder=bundle.folder if bundle.manifest.encoder.source == "files" else None,
    )
    (options.out / README).write_text(_readme(bundle, manifest), encoding="utf-8")
    return manifest


def _readme(bundle: Bundle, manifest: Manifest) -> str:
    """The card of the bundle as it was, under its new version and with its thresholds."""
    path = bundle.folder / README
    before = path.read_text(encoding="utf-8") if path.is_file() else ""
    _, _, body = before.partition("\n")
    return with_threshold_section(f"# {manifest.name} {manifest.version}\n{body}", manifest)
