"""`python -m trainer compare`: is a transformer worth it on this data?"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from threadpoolctl import threadpool_limits

from textsieve.trainer.commands import options
from textsieve.trainer.commands.console import echo, exit_codes, progress_bars
from textsieve.worker.errors import ConfigurationError

if TYPE_CHECKING:
    from textsieve.trainer.experiments.comparison import ComparisonOptions, ComparisonResult


def compare(
    data: options.Data,
    *,
    methods: Annotated[
        str,
        typer.Option(
            help="With commas: naive-bayes, words-svm, characters-svm, frozen, prototypes, fine-tuned, zero-shot, ...,"
            " or a scikit-learn classifier of yours, MODULE:FACTORY; -8 after a name trains on 8 texts of each label."
        ),
    ] = "naive-bayes,words-svm,characters-svm,frozen,fine-tuned",
    folds: options.Folds = 5,
    quick: Annotated[bool, typer.Option("--quick", help="Only the first fold.")] = False,
    fold: options.RunFolds = None,
    split_column: Annotated[
        str | None,
        typer.Option(help="Column that says test for the texts to answer: the file's own split, instead of folds."),
    ] = None,
    positive: options.Positive = None,
    draws: Annotated[int, typer.Option(min=1, help="Of a few training texts, where a method ends with -8.")] = 5,
    descriptions: Annotated[
        Path | None,
        typer.Option(help='TOML: label = ["description", ...]; adds zero-shot. If unset labels are their own words.'),
    ] = None,
    file_format: options.FileFormat = None,
    encoding: options.Encoding = None,
    delimiter: options.Delimiter = None,
    no_header: options.NoHeader = False,
    no_quotes: options.NoQuotes = False,
    text_column: options.TextColumn = "text",
    label_column: options.LabelColumn = "label",
    label_separator: options.LabelSeparator = None,
    group: Annotated[str | None, typer.Option(help="Column whose equal values stay in one fold.")] = None,
    normalize: options.Normalize = True,
    encoder: options.EncoderPath = "default",
    revision: options.Revision = None,
    device: options.Device = "auto",
    threads: options.Threads = None,
    max_tokens: options.MaxTokens = None,
    epochs: options.Epochs = 2,
    batch_size: options.BatchSize = 32,
    learning_rate: options.LearningRate = 5e-5,
    head_learning_rate: options.HeadLearningRate = 1e-3,
    class_weights: options.Weights = options.ClassWeights.none,
    precision: options.TrainingPrecision = options.Precision.auto,
    patience: options.Patience = 2,
    keep_embedding: Annotated[float, typer.Option(min=0, help="How strongly fine-tuning holds the embedding.")] = 1.0,
    seed: Annotated[int, typer.Option(min=0, help="Of folds, training and resampling.")] = 0,
    work: Annotated[
        Path | None, typer.Option(help="Folder of what is done; compare-DATA.work if unset. It holds your texts.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="End with one line of JSON instead of the table.")] = False,
) -> None:
    """Compare methods, classical and by encoder. All of them see the same folds."""
    from textsieve.trainer.data.label_descriptions import read_descriptions  # noqa: PLC0415
    from textsieve.trainer.data.reading import Columns  # noqa: PLC0415
    from textsieve.trainer.experiments.comparison import ComparisonOptions  # noqa: PLC0415 - sklearn and torch take seconds: --help does not wait
    from textsieve.trainer.experiments.comparison import compare as compare_methods  # noqa: PLC0415
    from textsieve.trainer.experiments.experiment_data import named_method  # noqa: PLC0415
    from textsieve.trainer.training.config import TrainingConfig  # noqa: PLC0415
    from textsieve.trainer.training.precision import training_precision  # noqa: PLC0415

    folder = work or Path(f"compare-{data.name.partition('.')[0]}.work")
    goes_on = f"interrupted; the same command goes on from what is in {folder}"
    with (
        exit_codes(if_interrupted=goes_on),
        threadpool_limits(threads),
        progress_bars("embed", "tune", "methods") as progress,
    ):
        if split_column is not None and (quick or fold is not None or group is not None):
            raise ConfigurationError(
                "--split-column: the file's own split has no folds; leave out --quick, --fold and --group"
            )
        encoder_settings = options.training_settings(
            encoder, revision=revision, device=device, threads=threads, max_tokens=max_tokens
        )
        named = tuple(name.strip() for name in methods.split(",") if name.strip())
        if descriptions is not None and "zero-shot" not in named:
            named = (*named, "zero-shot")
        wanted = ComparisonOptions(
            data=data,
            columns=Columns(
                text=text_column,
                label=label_column,
                separator=label_separator,
                slice=split_column,
                group=group,
                normalize=normalize,
                layout=options.layout(file_format, encoding, delimiter, no_header=no_header, no_quotes=no_quotes),
            ),
            methods=tuple(map(named_method, dict.fromkeys(named))),
            folds=folds,
            run_folds=options.chosen_folds(fold or ([0] if quick else None), folds=folds),
            given_split=split_column is not None,
            positive=positive,
            draws=draws,
            descriptions={} if descriptions is None else read_descriptions(descriptions),
            encoder=encoder_settings,
            config=TrainingConfig(
                epochs=epochs,
                batch_size=batch_size,
                learning_rate=learning_rate,
                head_learning_rate=head_learning_rate,
                keep_embedding=keep_embedding,
                class_weights=class_weights.value,
                precision=training_precision(precision.value, device=encoder_settings.device),
                patience=patience,
                seed=seed,
            ),
            work=folder,
        )
        result = compare_methods(wanted, progress=progress)
    echo(_as_json(result, wanted) if as_json else _as_text(result))


def _as_json(result: "ComparisonResult", wanted: "ComparisonOptions") -> str:
    line = {
        "f1": {one.method: round(one.f1.value, 4) for one in result.ranking.methods},
        "f1_of": result.f1_of,
        "data": wanted.data.name,
        "folds": None if wanted.given_split else wanted.folds,
        "folds_run": None if wanted.given_split else wanted.run_folds,
        "rows": result.examples.rows,
        "distinct": len(result.examples.kept),
        "judged": result.judged,
        "standings": [asdict(one) for one in result.ranking.methods],
        "best_minus": {method: asdict(one) for method, one in result.ranking.differences.items()},
    }
    return json.dumps(line) + "\n"


def _as_text(result: "ComparisonResult") -> str:
    examples = result.examples
    lines = [
        f"{examples.rows} rows, {len(examples.kept)} distinct texts, {result.judged} judged; F1: {result.f1_of}",
        "",
        "| method | F1 (95 % interval) | best minus this | p | accuracy | macro F1 | messages/s | MB | training s |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for one in result.ranking.methods:
        minus = result.ranking.differences.get(one.method)
        lines.append(
            f"| {one.method} | {one.f1.value:.4f} ({one.f1.low:.4f}-{one.f1.high:.4f})"
            + (f" ± {one.draw_std:.4f} | " if len(one.draw_f1) > 1 else " | ")
            + (
                "best | "
                if minus is None
                else f"{minus.interval.value:.4f} ({minus.interval.low:.4f}-{minus.interval.high:.4f}) | "
            )
            + ("| " if minus is None else f"{minus.p_value:.3f} | ")
            + f"{one.accuracy:.4f} | {one.macro_f1:.4f} | {one.messages_per_second:.0f} | {one.megabytes:.1f} | "
            + ("- |" if one.train_seconds is None else f"{one.train_seconds:.0f} |")
        )
    notes = [
        "Intervals and p: paired bootstrap over the judged texts. ±: standard deviation over draws of training texts."
    ]
    return "\n".join([*lines, "", *notes]) + "\n"
