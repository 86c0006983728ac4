"""`python -m trainer`: the command line of the trainer."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from worker.errors import ConfigurationError, TextsieveError
from worker.settings import ModelSettings

if TYPE_CHECKING:
    from trainer.fit import Fitted

FAULT, BAD_CONFIGURATION = 1, 2  # exit codes, as of every textsieve command

app = typer.Typer(
    help="Makes and judges the models a worker serves.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
errors = Console(stderr=True, highlight=False, soft_wrap=True)


@app.callback()
def main() -> None:
    """Makes and judges the models a worker serves."""


@app.command()
def fit(
    data: Annotated[Path, typer.Argument(help="Labelled texts: .csv, .jsonl or .ndjson, .gz may follow.")],
    *,
    out: Annotated[Path, typer.Option(help="Folder of the bundle to write.")],
    frozen: Annotated[bool, typer.Option("--frozen", help="Train a head only; the encoder stays as it is.")] = False,
    name: Annotated[str | None, typer.Option(help="Name in every result; the output folder's if unset.")] = None,
    version: Annotated[str | None, typer.Option(help="Version in every result; today's date and .1 if unset.")] = None,
    text_column: Annotated[str, typer.Option(help="Column or key of the text.")] = "text",
    label_column: Annotated[str, typer.Option(help="Column or key of the label.")] = "label",
    data_name: Annotated[str | None, typer.Option(help="Name of the data in the card; the file's if unset.")] = None,
    citation: Annotated[str, typer.Option(help="How to cite the data.")] = "",
    data_licence: Annotated[str, typer.Option(help="Licence of the data.")] = "",
    encoder: Annotated[str, typer.Option(help="`default`, a Hugging Face folder or hub id, or a bundle.")] = "default",
    revision: Annotated[str | None, typer.Option(help="Commit of a hub encoder.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    threads: Annotated[int | None, typer.Option(min=1, help="CPU threads; all cores if unset.")] = None,
    folds: Annotated[int, typer.Option(min=2, help="Parts of the cross-validation.")] = 5,
    seed: Annotated[int, typer.Option(min=0, help="Of every shuffle: the same seed gives the same head.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one line of JSON instead of the report.")] = False,
) -> None:
    """Fit a head to labelled texts and write it as a bundle, with its measured scores."""
    if not frozen:
        errors.print("Only the frozen head exists so far: add --frozen. Fine-tuning the encoder is not built yet.")
        raise typer.Exit(BAD_CONFIGURATION)
    # torch and sklearn take seconds to import: --help and wrong options do not wait for them
    from trainer.fit import FitOptions  # noqa: PLC0415
    from trainer.fit import fit as fit_bundle  # noqa: PLC0415

    now = datetime.now(UTC)
    with _exit_codes(), _progress() as progress:
        options = FitOptions(
            path=data,
            out=out,
            name=name or out.resolve().name,
            version=version or f"{now:%Y-%m-%d}.1",
            text_column=text_column,
            label_column=label_column,
            data_name=data_name or data.name,
            citation=citation,
            licence=data_licence,
            encoder=ModelSettings.model_validate(
                {"path": encoder, "revision": revision, "device": device, "threads": threads, "precision": "fp32"}
            ),
            folds=folds,
            seed=seed,
        )
        fitted = fit_bundle(options, now=now, progress=progress)
    sys.stdout.write(_as_json(fitted, out) if as_json else _as_text(fitted, out))


@contextmanager
def _exit_codes() -> Iterator[None]:
    try:
        yield
    except (ConfigurationError, ValueError) as error:  # ValueError: an option that pydantic refuses
        errors.print(f"error: {error}", markup=False)
        raise typer.Exit(BAD_CONFIGURATION) from None
    except (TextsieveError, OSError) as error:
        errors.print(f"error: {error}", markup=False)
        raise typer.Exit(FAULT) from None


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None]]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=errors) as bars:
        tasks = {stage: bars.add_task(stage, total=None, visible=False) for stage in ("embed", "fit")}

        def advance(stage: str, steps: int, total: int) -> None:
            bars.update(tasks[stage], advance=steps, total=total, visible=True)

        yield advance


def _as_json(fitted: "Fitted", out: Path) -> str:
    examples, head = fitted.examples, fitted.head
    line = {
        "bundle": str(out),
        "name": fitted.manifest.name,
        "version": fitted.manifest.version,
        "labels": head.labels,
        "rows": examples.rows,
        "used": len(examples.texts),
        "duplicates": examples.duplicates,
        "conflicts": examples.conflicts,
        "empty": examples.empty,
        "c": head.c,
        "metrics": {name: {"mean": score.mean, "std": score.std} for name, score in head.report.metrics.items()},
        "confusion": head.report.confusion.tolist(),
    }
    return json.dumps(line) + "\n"


def _as_text(fitted: "Fitted", out: Path) -> str:
    examples, head, report = fitted.examples, fitted.head, fitted.head.report
    width = max(len(name) for name in report.metrics)
    scores = [f"  {name:<{width}}  {score.mean:.4f} ± {score.std:.4f}" for name, score in report.metrics.items()]
    rows = zip(report.labels, report.confusion.tolist(), strict=True)
    left_out = (
        f"{examples.duplicates} repeats, {examples.conflicts} with conflicting labels, {examples.empty} without text"
    )
    lines = [
        f"{examples.rows} rows, {len(examples.texts)} used; left out: {left_out}",
        f"{report.folds}-fold cross-validation (mean ± standard deviation over folds), C = {head.c:g}",
        *scores,
        f"confusion (rows true, columns predicted: {', '.join(report.labels)})",
        *(f"  {label:<{width}}  {counts}" for label, counts in rows),
        f"wrote {out}",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    app()
