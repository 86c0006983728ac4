"""Options that several commands share."""

import importlib.util
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from textsieve.files.errors import UnreadableFile
from textsieve.files.layout import Format, Layout
from textsieve.worker.errors import ConfigurationError
from textsieve.worker.settings import ModelSettings


class ClassWeights(StrEnum):
    """How much a label counts."""

    none = "none"
    balanced = "balanced"


class Precision(StrEnum):
    """What the forward pass of training is computed in."""

    auto = "auto"
    fp32 = "fp32"
    bf16 = "bf16"


Data = Annotated[Path, typer.Argument(help="Labelled texts: .csv, .tsv, .jsonl or .json, packed by gzip or not.")]
TextColumn = Annotated[str, typer.Option(help="Column or key of the text, or the number of its column.")]
LabelColumn = Annotated[
    str, typer.Option(help="Column or key of the label, or of a list of labels, or the number of its column.")
]
FileFormat = Annotated[Format | None, typer.Option("--format", help="Of the files; by the suffix if unset.")]
Encoding = Annotated[str | None, typer.Option(help="Of the files; by the byte order mark, or UTF-8, if unset.")]
Delimiter = Annotated[
    str | None, typer.Option(help="Between the columns of a table, such as ; or tab; found by the header if unset.")
]
NoHeader = Annotated[
    bool, typer.Option("--no-header", help="The first row of a table is a row; columns are called 1, 2, 3.")
]
NoQuotes = Annotated[bool, typer.Option("--no-quotes", help="Double quotes in a table are characters like any other.")]
LabelSeparator = Annotated[str | None, typer.Option(help="Between the labels of a text, in CSV.")]
Normalize = Annotated[bool, typer.Option(help="Undo disguised spelling first, as a worker does with model.normalize.")]
Positive = Annotated[
    str | None, typer.Option(help="The label whose F1 counts; if unset the rarer of two, or the mean over all.")
]
EncoderPath = Annotated[
    str, typer.Option(help="`default`, `multilingual`, a Hugging Face folder or hub id, or a bundle.")
]
Revision = Annotated[str | None, typer.Option(help="Commit of a hub encoder.")]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda.")]
Threads = Annotated[int | None, typer.Option(min=1, help="CPU threads; all cores if unset.")]
MaxTokens = Annotated[
    int | None, typer.Option(min=8, help="Cut texts after so many tokens; the encoder's own window if unset.")
]
Folds = Annotated[int, typer.Option(min=2, help="Parts of the data; each is answered once.")]
RunFolds = Annotated[
    list[int] | None,
    typer.Option("--fold", min=0, help="Only this fold, from 0; repeatable. Two processes can share a work folder so."),
]
Epochs = Annotated[int, typer.Option(min=1, help="Of fine-tuning, at most.")]
BatchSize = Annotated[int, typer.Option(min=1, help="Texts of a training step.")]
LearningRate = Annotated[float, typer.Option(min=0, help="Of the encoder, at its peak.")]
HeadLearningRate = Annotated[float, typer.Option(min=0, help="Of the head, at its peak.")]
Weights = Annotated[ClassWeights, typer.Option(help="balanced: rare labels count as much as frequent ones.")]
TrainingPrecision = Annotated[
    Precision, typer.Option(help="Arithmetic of training; auto is bf16 where the processor multiplies in it.")
]
Patience = Annotated[int, typer.Option(min=1, help="Epochs without a better validation score before the end.")]


def layout(
    file_format: Format | None, encoding: str | None, delimiter: str | None, *, no_header: bool, no_quotes: bool
) -> Layout:
    """What was said about the layout of the files.

    Raises:
        ConfigurationError: there is no such encoding or delimiter.
    """
    try:
        return Layout(file_format, encoding, delimiter, header=not no_header, quotes=not no_quotes)
    except UnreadableFile as error:
        raise ConfigurationError(str(error)) from None


def training_settings(
    path: str,
    *,
    revision: str | None,
    device: str,
    threads: int | None,
    max_tokens: int | None,
    prefix: str | None = None,
) -> ModelSettings:
    """The encoder that training begins with.

    It runs by torch in float32 wherever it is read: what is trained does not depend on which engine this machine finds
    fastest, and speeds that are compared stand on the same ground.
    """
    settings: dict[str, Any] = {
        "path": path,
        "revision": revision,
        "device": device,
        "threads": threads,
        "max_tokens": max_tokens,
        "prefix": prefix,
        "engine": "torch",
        "precision": "fp32",
    }
    return ModelSettings.model_validate(settings)


def chosen_folds(wanted: list[int] | None, *, folds: int) -> tuple[int, ...]:
    """The folds to run, in ascending order; all of them unless told otherwise.

    Raises:
        ConfigurationError: there is no such fold.
    """
    chosen = tuple(sorted(set(range(folds) if wanted is None else wanted)))
    if chosen and chosen[-1] >= folds:
        raise ConfigurationError(f"--fold: expected 0 to {folds - 1}, below --folds, got {chosen[-1]}")
    return chosen


def whole_numbers(text: str, *, option: str) -> tuple[int, ...]:
    """Distinct numbers of 0 and more, written with commas between them, in ascending order.

    Raises:
        ConfigurationError: they are something else.
    """
    try:
        found = sorted({int(part) for part in text.split(",")})
    except ValueError as error:
        raise ConfigurationError(f"{option}: expected numbers with commas between them, got {text!r}") from error
    if found[0] < 0:
        raise ConfigurationError(f"{option}: expected numbers of 0 and more, got {text!r}")
    return tuple(found)


def require_report_folder(out: Path) -> None:
    """Refuse where a report with pictures cannot be written, before the work is done.

    Raises:
        ConfigurationError: it is a file, or there is nothing to draw with.
    """
    if out.exists() and not out.is_dir():
        raise ConfigurationError(f"--out: expected a folder, got the file {out}")
    if importlib.util.find_spec("matplotlib") is None:
        raise ConfigurationError(
            "--out: the pictures of the report need matplotlib; run `pip install textsieve[trainer]`"
        )
