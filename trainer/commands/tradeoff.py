"""`python -m trainer tradeoff`: what holding the embedding costs in labels, and what it is worth in clusters."""

import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from threadpoolctl import threadpool_limits

from textsieve.trainer.commands import options
from textsieve.trainer.commands.console import exit_codes, progress_bars, say
from textsieve.worker.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from textsieve.trainer.data.examples import Examples
    from textsieve.trainer.data.reading import Columns
    from textsieve.trainer.experiments.tradeoff import Study
    from textsieve.trainer.reports.tradeoff_table import TradeoffReport


def tradeoff(
    data: options.Data,
    *,
    keep: Annotated[
        str, typer.Option(help="Weights of the term that holds the embedding; 0, which lets it go, among them.")
    ] = "0,0.3,1,3",
    seeds: Annotated[str, typer.Option(help="Of training: each weight is tried with each, on each fold.")] = "0,1",
    clusters: Annotated[
        list[Path] | None,
        typer.Option(help="Labelled texts of another kind, whose clusters judge the embedding; repeatable."),
    ] = None,
    without: Annotated[
        list[str] | None, typer.Option(help="Leave out the texts of this label from --clusters; repeatable.")
    ] = None,
    sample: Annotated[int, typer.Option(min=3, help="Take so many texts from each of --clusters.")] = 2000,
    cluster_seeds: Annotated[int, typer.Option(min=1, help="Runs of k-means.")] = 3,
    folds: options.Folds = 5,
    fold: options.RunFolds = None,
    finished: Annotated[
        bool, typer.Option("--finished", help="Train nothing: judge the folds that are done in --work.")
    ] = False,
    positive: options.Positive = None,
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
    class_weights: options.Weights = options.ClassWeights.none,
    precision: options.TrainingPrecision = options.Precision.auto,
    seed: Annotated[int, typer.Option(min=0, help="Of folds, samples and resampling.")] = 0,
    work: Annotated[
        Path | None, typer.Option(help="Folder of what is done; tradeoff-DATA.work if unset. It holds no text.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for tradeoff.md, tradeoff.json and tradeoff.svg; none if unset.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="End with one line of JSON instead of the table.")] = False,
) -> None:
    """Compare how strongly to hold the embedding. By labels and by clusters."""
    from textsieve.trainer.data.reading import Columns, read_examples  # noqa: PLC0415
    from textsieve.trainer.data.sampling import sampled  # noqa: PLC0415
    from textsieve.trainer.evaluation.target_metric import counted_labels, counted_name  # noqa: PLC0415
    from textsieve.trainer.experiments.runs import Groupings  # noqa: PLC0415 - --help does not wait for sklearn and torch
    from textsieve.trainer.experiments.summary import weigh  # noqa: PLC0415
    from textsieve.trainer.experiments.tradeoff import Study, answer_all  # noqa: PLC0415
    from textsieve.trainer.reports.tradeoff_table import TradeoffReport  # noqa: PLC0415
    from textsieve.trainer.training.config import Recipe  # noqa: PLC0415
    from textsieve.trainer.training.precision import training_precision  # noqa: PLC0415

    folder = work or Path(f"tradeoff-{data.name.partition('.')[0]}.work")
    goes_on = f"interrupted; the same command goes on from what is in {folder}"
    with (
        exit_codes(if_interrupted=goes_on),
        threadpool_limits(threads),
        progress_bars("embed", "tune", "attempts") as progress,
    ):
        if out is not None:
            options.require_report_folder(out)
        encoder_settings = options.training_settings(
            encoder, revision=revision, device=device, threads=threads, max_tokens=max_tokens
        )
        where = Columns(
            text=text_column,
            label=label_column,
            separator=label_separator,
            group=group,
            normalize=normalize,
            layout=options.layout(file_format, encoding, delimiter, no_header=no_header, no_quotes=no_quotes),
        )
        examples = read_examples(data, where)
        draw = partial(sampled, without=set(without or []), count=sample, seed=seed)  # as `cluster --sample --seed`
        columns = counted_labels(examples, examples.label_names, positive=positive)
        study = Study(
            examples=examples,
            groupings=Groupings(_others(clusters or [], Columns(normalize=normalize), draw), seeds=cluster_seeds),
            weights=_weights(keep),
            seeds=options.parsed(seeds, int, option="--seeds"),
            folds=folds,
            run_folds=options.chosen_folds(fold, folds=folds),
            encoder=encoder_settings,
            recipe=Recipe(
                epochs=epochs,
                batch_size=batch_size,
                learning_rate=learning_rate,
                class_weights=class_weights.value,
                precision=training_precision(precision.value, device=encoder_settings.device),
                seed=seed,
            ),
            work=folder,
        )
        if finished:
            study = _finished(study)
        answers = answer_all(study, progress=progress)
        weighed = weigh(answers, columns=columns, seed=seed)
        report = TradeoffReport(data.name, counted_name(columns, examples.label_names), study, answers, weighed)
        if out is not None:
            _write(out, report)
    say(json.dumps(report.line()) + "\n" if as_json else report.markdown())


def _weights(keep: str) -> tuple[float, ...]:
    weights = options.parsed(keep, float, option="--keep")
    if weights[0] != 0 or len(weights) == 1:
        raise ConfigurationError(f"--keep: expected 0, which all others are compared with, and another, got {keep!r}")
    return weights


def _others(paths: list[Path], columns: "Columns", draw: "Callable[[Examples], Examples]") -> "dict[str, Examples]":
    from textsieve.trainer.data.reading import read_examples  # noqa: PLC0415 - as above

    return {path.name.partition(".")[0]: draw(read_examples(path, columns)) for path in paths}


def _finished(study: "Study") -> "Study":
    from textsieve.trainer.experiments.tradeoff import finished_folds  # noqa: PLC0415 - as above

    found = finished_folds(study)
    if not found:
        raise ConfigurationError(f"--finished: expected a fold with all its answers in {study.work}, got none")
    return replace(study, run_folds=found)


def _write(out: Path, report: "TradeoffReport") -> None:
    from textsieve.trainer.reports.tradeoff_plot import curve  # noqa: PLC0415 - matplotlib is an extra

    out.mkdir(parents=True, exist_ok=True)
    (out / "tradeoff.md").write_text(report.markdown(), encoding="utf-8")
    (out / "tradeoff.json").write_text(json.dumps(report.line(), indent=2) + "\n", encoding="utf-8")
    (out / "tradeoff.svg").write_text(curve(report.weighed) + "\n", encoding="utf-8")
