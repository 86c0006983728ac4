"""`python -m trainer fit`: from a file of labelled texts to a bundle."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from threadpoolctl import threadpool_limits

from textsieve.trainer.commands import options
from textsieve.trainer.commands.console import column_value, echo, exit_codes, progress_bars
from textsieve.trainer.commands.options import ClassWeights, Precision, TrainingPrecision, training_settings
from textsieve.worker.errors import ConfigurationError

if TYPE_CHECKING:
    from textsieve.trainer.fit import Fitted

_LABEL_ERRORS_SHOWN = 10  # lines of the report; --json has them all
_STILL_FALLS = 0.97  # of the loss of the epoch before: less is more than noise


def fit(
    data: options.Data,
    *,
    out: Annotated[Path, typer.Option(help="Folder of the bundle to write.")],
    frozen: Annotated[bool, typer.Option("--frozen", help="Train a head only; the encoder stays as it is.")] = False,
    name: Annotated[str | None, typer.Option(help="Name in every result; the output folder's if unset.")] = None,
    version: Annotated[str | None, typer.Option(help="Version in every result; today's date and .1 if unset.")] = None,
    file_format: options.FileFormat = None,
    encoding: options.Encoding = None,
    delimiter: options.Delimiter = None,
    no_header: options.NoHeader = False,
    no_quotes: options.NoQuotes = False,
    text_column: options.TextColumn = "text",
    label_column: options.LabelColumn = "label",
    label_separator: Annotated[
        str | None, typer.Option(help="Between the labels of a text, in CSV; makes the model multi-label.")
    ] = None,
    group: Annotated[
        str | None, typer.Option(help="Column whose equal values are never both trained on and judged on.")
    ] = None,
    only: Annotated[str | None, typer.Option(help="COLUMN=VALUE: leave out other rows.")] = None,
    data_name: Annotated[str | None, typer.Option(help="Name of the data in the card; the file's if unset.")] = None,
    citation: Annotated[str, typer.Option(help="How to cite the data.")] = "",
    data_licence: Annotated[str, typer.Option(help="Licence of the data.")] = "",
    descriptions: Annotated[
        Path | None,
        typer.Option(
            help='--frozen: TOML, label = ["description", ...]; learned from too, a help where texts are few.'
        ),
    ] = None,
    encoder: options.EncoderPath = "default",
    revision: options.Revision = None,
    device: options.Device = "auto",
    threads: Annotated[
        int | None, typer.Option(min=1, help="CPU threads, of regressions too; all cores if unset.")
    ] = None,
    max_tokens: options.MaxTokens = None,
    prefix: Annotated[
        str | None,
        typer.Option(help="Put before every text, there and in a worker; what the encoder's files say if unset."),
    ] = None,
    folds: Annotated[int, typer.Option(min=2, help="--frozen: parts of the cross-validation.")] = 5,
    seed: Annotated[int, typer.Option(min=0, help="Of every shuffle: the same seed gives the same model.")] = 0,
    normalize: options.Normalize = True,
    augment: Annotated[
        float, typer.Option(min=0, max=1, help="Show this share of the training texts once more, disguised.")
    ] = 0.0,
    epochs: Annotated[int, typer.Option(min=1, help="Most passes over the texts.")] = 3,
    batch_size: options.BatchSize = 32,
    learning_rate: options.LearningRate = 5e-5,
    head_learning_rate: options.HeadLearningRate = 1e-3,
    keep_embedding: Annotated[
        float, typer.Option(min=0, help="How strongly the embedding is held near the original one; 0 lets it go.")
    ] = 1.0,
    class_weights: options.Weights = ClassWeights.none,
    precision: TrainingPrecision = Precision.auto,
    patience: options.Patience = 2,
    validation: Annotated[
        Path | None, typer.Option(help="Texts that pick the epoch and the temperature; a share of the data if unset.")
    ] = None,
    validation_share: Annotated[float, typer.Option(min=0.01, max=0.5, help="That share.")] = 0.1,
    work: Annotated[
        Path | None, typer.Option(help="Folder of checkpoints, to go on after an interruption; OUT.work if unset.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one line of JSON instead of the report.")] = False,
) -> None:
    """Train a model on labelled texts. It is written as a bundle, with its measured scores."""
    # torch and sklearn take seconds to import: --help and wrong options do not wait for them
    from textsieve.trainer.bundles.writing import BundleOptions  # noqa: PLC0415
    from textsieve.trainer.data.label_descriptions import read_descriptions  # noqa: PLC0415
    from textsieve.trainer.data.reading import Columns  # noqa: PLC0415
    from textsieve.trainer.fit import FitOptions  # noqa: PLC0415
    from textsieve.trainer.fit import fit as fit_bundle  # noqa: PLC0415
    from textsieve.trainer.training.config import TrainingConfig  # noqa: PLC0415
    from textsieve.trainer.training.precision import training_precision  # noqa: PLC0415

    now = datetime.now(UTC)
    folder = work or out.with_name(f"{out.resolve().name}.work")
    goes_on = "interrupted" if frozen else f"interrupted; the same command goes on from what is in {folder}"
    with (
        exit_codes(if_interrupted=goes_on),
        threadpool_limits(threads),
        progress_bars("embed", "fit", "tune") as progress,
    ):
        if descriptions is not None and not frozen:
            raise ConfigurationError("--descriptions: expected --frozen beside it: fine-tuning learns from texts only")
        encoder_settings = training_settings(
            encoder, revision=revision, device=device, threads=threads, max_tokens=max_tokens, prefix=prefix
        )
        config = TrainingConfig(
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            head_learning_rate=head_learning_rate,
            keep_embedding=keep_embedding,
            class_weights=class_weights.value,
            precision=training_precision(precision.value, device=encoder_settings.device),
            patience=patience,
            validation=validation_share,
            seed=seed,
        )
        wanted = FitOptions(
            columns=Columns(
                text=text_column,
                label=label_column,
                separator=label_separator,
                group=group,
                only=column_value(only),
                normalize=normalize,
                layout=options.layout(file_format, encoding, delimiter, no_header=no_header, no_quotes=no_quotes),
            ),
            bundle=BundleOptions(
                out=out,
                name=name or out.resolve().name,
                version=version or f"{now:%Y-%m-%d}.1",
                data=data,
                data_name=data_name or data.name,
                normalized=normalize,
                seed=seed,
                citation=citation,
                licence=data_licence,
            ),
            encoder=encoder_settings,
            folds=folds,
            config=None if frozen else config,
            work=folder,
            validation=validation,
            descriptions={} if descriptions is None else read_descriptions(descriptions),
            augment=augment,
        )
        fitted = fit_bundle(wanted, now=now, progress=progress)
    echo(_as_json(fitted, out) if as_json else _as_text(fitted, out))


def _as_json(fitted: "Fitted", out: Path) -> str:
    examples, report = fitted.examples, fitted.report
    line = {
        "bundle": str(out),
        "name": fitted.manifest.name,
        "version": fitted.manifest.version,
        "labels": report.labels,
        "multi_label": examples.multi_label,
        "rows": examples.rows,
        "used": len(examples.texts),
        "duplicates": examples.duplicates,
        "conflicts": examples.conflicts,
        "empty": examples.empty,
        "truncated": fitted.truncated,
        **{"recipe" if name == "config" else name: value for name, value in asdict(fitted.facts).items()},
        "metrics": {name: {"mean": score.mean, "std": score.std} for name, score in report.metrics.items()},
        "confusion": None if report.confusion is None else report.confusion.tolist(),
        "suspects": [asdict(label_error) for label_error in fitted.label_errors],
    }
    return json.dumps(line) + "\n"


def _as_text(fitted: "Fitted", out: Path) -> str:
    examples, report = fitted.examples, fitted.report
    width = max(len(name) for name in report.metrics)
    scores = [
        f"  {name:<{width}}  {score.mean:.4f}{f' ± {score.std:.4f}' if report.folds else ''}"
        for name, score in report.metrics.items()
    ]
    left_out = (
        f"{examples.duplicates} repeats, {examples.conflicts} with conflicting labels, {examples.empty} without text"
    )
    lines = [
        f"{examples.rows} rows, {len(examples.texts)} used; left out: {left_out}",
        *_truncated(fitted),
        *_label_error_lines(fitted),
        *_how(fitted),
        *scores,
        *_confusion_lines(fitted, width),
        f"wrote {out}",
    ]
    return "\n".join(lines) + "\n"


def _truncated(fitted: "Fitted") -> list[str]:
    if not fitted.truncated:
        return []
    count = f"{fitted.truncated} of {len(fitted.examples.texts)} texts"
    beyond = "nothing was learned from what lies beyond, which a worker reads in further windows"
    return [
        f"longer than {fitted.manifest.max_tokens} tokens: {count}; {beyond} (--max-tokens, if the encoder has room)"
    ]


def _how(fitted: "Fitted") -> list[str]:
    facts = asdict(fitted.facts)
    if "c" in facts:
        return [
            f"{fitted.report.folds}-fold cross-validation (mean ± standard deviation over folds), C = {facts['c']:g}"
        ]
    return [
        "epoch  loss    validation loss  macro F1  cosine to the original embedding",
        *(
            f"{number:>5}  {epoch['training_loss']:.4f}  {epoch['validation_loss']:.4f}           "
            f"{epoch['macro_f1']:.4f}    {epoch['cosine']:.4f}{'  <- kept' if number - 1 == facts['best'] else ''}"
            for number, epoch in enumerate(facts["epochs"], start=1)
        ),
        *_hint([epoch["validation_loss"] for epoch in facts["epochs"]]),
        f"temperature {facts['temperature']:g}; on the {facts['validated']} texts that picked epoch and temperature:",
    ]


def _hint(losses: list[float]) -> list[str]:
    """What to do where learning ended too early, as three epochs of a few hundred texts do."""
    if len(losses) > 1 and losses[-1] < _STILL_FALLS * losses[-2]:
        return [
            "the last epoch still made the validation loss much smaller: try more --epochs, or --frozen for few texts"
        ]
    return []


def _label_error_lines(fitted: "Fitted") -> list[str]:
    if not fitted.label_errors:
        return []
    shown = ", ".join(
        f"{one.line} ({one.given}, likely {one.likely})" for one in fitted.label_errors[:_LABEL_ERRORS_SHOWN]
    )
    return [f"{len(fitted.label_errors)} labels to look at again, the surest first; line {shown}"]


def _confusion_lines(fitted: "Fitted", width: int) -> list[str]:
    report = fitted.report
    if report.confusion is None:
        return []
    rows = zip(report.labels, report.confusion.tolist(), strict=True)
    return [
        f"confusion (rows true, columns predicted: {', '.join(report.labels)})",
        *(f"  {label:<{width}}  {counts}" for label, counts in rows),
    ]
