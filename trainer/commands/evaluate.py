"""`python -m trainer evaluate`: how good a model is, as a report."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from textsieve.trainer.commands import options
from textsieve.trainer.commands.console import column_value, echo, exit_codes, progress_bars
from textsieve.trainer.commands.options import require_report_folder
from textsieve.worker.settings import ModelSettings

if TYPE_CHECKING:
    from textsieve.trainer.evaluation.evaluate import Evaluation
    from textsieve.trainer.evaluation.thresholds import TargetMetric


def evaluate(
    model: Annotated[str, typer.Argument(help="A bundle, a Hugging Face classifier, or `default`.")],
    data: Annotated[Path, typer.Argument(help="Labelled texts that had no part in training.")],
    *,
    out: Annotated[
        Path | None, typer.Option(help="Folder for report.md, report.html and report.json; none are written if unset.")
    ] = None,
    training: Annotated[
        Path | None, typer.Option(help="The training file: refuse if a text is in both. Same columns.")
    ] = None,
    file_format: options.FileFormat = None,
    encoding: options.Encoding = None,
    delimiter: options.Delimiter = None,
    no_header: options.NoHeader = False,
    no_quotes: options.NoQuotes = False,
    text_column: options.TextColumn = "text",
    label_column: options.LabelColumn = "label",
    label_separator: options.LabelSeparator = None,
    slice_column: Annotated[str | None, typer.Option(help="Column to report by, such as a channel.")] = None,
    group: Annotated[
        str | None, typer.Option(help="With --training: refuse if a value of this column is in both files.")
    ] = None,
    only: Annotated[str | None, typer.Option(help="COLUMN=VALUE: leave out other rows.")] = None,
    descriptions: Annotated[
        Path | None,
        typer.Option(help='TOML, label = ["description", ...]: MODEL is an encoder whose labels these are.'),
    ] = None,
    temperature: Annotated[float | None, typer.Option(min=0, help="Of --descriptions; as model.temperature.")] = None,
    least_similarity: Annotated[
        float | None, typer.Option(min=-1, max=1, help="Of --descriptions; as model.least_similarity.")
    ] = None,
    precision: Annotated[
        float | None, typer.Option(min=0, max=1, help="Find for each label the threshold of this precision.")
    ] = None,
    recall: Annotated[
        float | None, typer.Option(min=0, max=1, help="Find for each label the threshold of this recall.")
    ] = None,
    normalize: options.Normalize = True,
    disguised: Annotated[
        bool, typer.Option("--disguised", help="Also disguise the texts in every way there is, and compare recall.")
    ] = False,
    max_windows: Annotated[
        int | None, typer.Option(min=1, help="Windows read of a long text; as many as a worker reads if unset.")
    ] = None,
    texts: Annotated[bool, typer.Option("--texts", help="Quote the worst mistakes instead of naming lines.")] = False,
    revision: Annotated[str | None, typer.Option(help="Commit of a hub model.")] = None,
    device: options.Device = "auto",
    threads: options.Threads = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one line of JSON instead of the report.")] = False,
) -> None:
    """Judge a model on texts that had no part in its training."""
    from textsieve.trainer.data.label_descriptions import read_descriptions  # noqa: PLC0415
    from textsieve.trainer.data.reading import Columns  # noqa: PLC0415
    from textsieve.trainer.evaluation.evaluate import EvaluationOptions  # noqa: PLC0415 - sklearn and torch take seconds: --help does not wait
    from textsieve.trainer.evaluation.evaluate import evaluate as evaluate_model  # noqa: PLC0415
    from textsieve.trainer.reports.evaluation_tables import sections  # noqa: PLC0415
    from textsieve.trainer.reports.rendering import as_json as numbers  # noqa: PLC0415
    from textsieve.trainer.reports.rendering import as_markdown  # noqa: PLC0415

    wishes: tuple[tuple[TargetMetric, float | None], ...] = (("precision", precision), ("recall", recall))
    settings: dict[str, Any] = {"path": model, "revision": revision, "device": device, "threads": threads}
    if max_windows is not None:
        settings["max_windows"] = max_windows
    with exit_codes(), progress_bars("predict", "disguise") as progress:
        if out is not None:
            require_report_folder(out)
        if descriptions is not None:
            settings |= {"labels": read_descriptions(descriptions), "kind": "zero-shot"}
            told = {"temperature": temperature, "least_similarity": least_similarity}
            settings |= {name: value for name, value in told.items() if value is not None}
        wanted = EvaluationOptions(
            data=data,
            columns=Columns(
                text=text_column,
                label=label_column,
                slice=slice_column,
                separator=label_separator,
                group=group,
                only=column_value(only),
                normalize=normalize,
                layout=options.layout(file_format, encoding, delimiter, no_header=no_header, no_quotes=no_quotes),
            ),
            model=ModelSettings.model_validate(settings),
            training=training,
            wishes=tuple((wish, wished) for wish, wished in wishes if wished is not None),
            disguised=disguised,
        )
        evaluation = evaluate_model(wanted, progress=progress)
        title = f"{evaluation.card.name} {evaluation.card.version} on {data.name}"
        tables = list(sections(evaluation, with_texts=texts))
        line = {"data": data.name, **numbers(evaluation, with_texts=texts)}
        if out is not None:
            _write(out, title, evaluation, texts=texts)
    echo(json.dumps(line) + "\n" if as_json else as_markdown(title, tables))


def _write(out: Path, title: str, evaluation: "Evaluation", *, texts: bool) -> None:
    from textsieve.trainer.data.atomic_write import write_atomically  # noqa: PLC0415
    from textsieve.trainer.reports.evaluation_tables import sections  # noqa: PLC0415
    from textsieve.trainer.reports.plots import pictures  # noqa: PLC0415 - matplotlib is an extra
    from textsieve.trainer.reports.rendering import as_html, as_json, as_markdown  # noqa: PLC0415

    tables = list(sections(evaluation, with_texts=texts))
    content = json.dumps(as_json(evaluation, with_texts=texts), indent=2)
    pages = {
        "report.md": as_markdown(title, tables),
        "report.html": as_html(title, tables, pictures(evaluation)),
        "report.json": content + "\n",
    }
    for name, page in pages.items():  # all are made before one is written: no new page beside old ones after a fault
        write_atomically(out / name, page)
