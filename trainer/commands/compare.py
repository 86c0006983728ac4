"""`python -m trainer compare`: is a transformer worth it on this data?"""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from threadpoolctl import threadpool_limits

from trainer.commands.console import exit_codes, progress_bars
from worker.settings import ModelSettings

if TYPE_CHECKING:
    from trainer.comparison import Result


def compare(
    data: Annotated[Path, typer.Argument(help="Labelled texts: .csv, .jsonl or .ndjson, .gz may follow.")],
    *,
    methods: Annotated[
        str,
        typer.Option(
            help="With commas: naive-bayes, words-svm, characters-svm, frozen, prototypes, fine-tuned, zero-shot, ...;"
            " -8 after a name trains on 8 texts of each label."
        ),
    ] = "naive-bayes,words-svm,characters-svm,frozen,fine-tuned",
    folds: Annotated[int, typer.Option(min=2, help="Parts of the data; each is answered once.")] = 5,
    quick: Annotated[bool, typer.Option("--quick", help="Only the first fold.")] = False,
    positive: Annotated[
        str | None,
        typer.Option(help="The label whose F1 counts; if unset the rarer of two, or the mean over all."),
    ] = None,
    draws: Annotated[int, typer.Option(min=1, help="Of a few training texts, where a method ends with -8.")] = 5,
    descriptions: Annotated[
        Path | None,
        typer.Option(help='TOML: label = ["description", ...]; adds zero-shot. If unset labels are their own words.'),
    ] = None,
    text_column: Annotated[str, typer.Option(help="Column or key of the text.")] = "text",
    label_column: Annotated[str, typer.Option(help="Column or key of the label, or of a list of labels.")] = "label",
    label_separator: Annotated[str | None, typer.Option(help="Between the labels of a text, in CSV.")] = None,
    group: Annotated[str | None, typer.Option(help="Column whose equal values stay in one fold.")] = None,
    encoder: Annotated[str, typer.Option(help="`default`, a Hugging Face folder or hub id, or a bundle.")] = "default",
    revision: Annotated[str | None, typer.Option(help="Commit of a hub encoder.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    threads: Annotated[int | None, typer.Option(min=1, help="CPU threads; all cores if unset.")] = None,
    epochs: Annotated[int, typer.Option(min=1, help="Of fine-tuning.")] = 2,
    learning_rate: Annotated[float, typer.Option(min=0, help="Of fine-tuning, at its peak.")] = 5e-5,
    keep_embedding: Annotated[float, typer.Option(min=0, help="How strongly fine-tuning holds the embedding.")] = 1.0,
    seed: Annotated[int, typer.Option(min=0, help="Of folds, training and resampling.")] = 0,
    work: Annotated[
        Path | None, typer.Option(help="Folder of what is done; compare-DATA.work if unset. It holds your texts.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="End with one line of JSON instead of the table.")] = False,
) -> None:
    """Compare classical methods, a frozen and a fine-tuned encoder on the same folds."""
    from trainer.bench import named_method  # noqa: PLC0415
    from trainer.comparison import Contest  # noqa: PLC0415 - sklearn and torch take seconds: --help does not wait
    from trainer.comparison import compare as compare_methods  # noqa: PLC0415
    from trainer.descriptions import read_descriptions  # noqa: PLC0415
    from trainer.reading import Columns  # noqa: PLC0415
    from trainer.recipe import Recipe  # noqa: PLC0415

    folder = work or Path(f"compare-{data.name.partition('.')[0]}.work")
    settings: dict[str, Any] = {
        "path": encoder,
        "revision": revision,
        "device": device,
        "threads": threads,
        "engine": "torch",  # for all methods: frozen runs on nothing else, and their speeds stand side by side
        "precision": "fp32",
    }
    goes_on = f"interrupted; the same command goes on from what is in {folder}"
    with (
        exit_codes(if_interrupted=goes_on),
        threadpool_limits(threads),
        progress_bars("embed", "tune", "methods") as progress,
    ):
        named = tuple(name.strip() for name in methods.split(",") if name.strip())
        if descriptions is not None and "zero-shot" not in named:
            named = (*named, "zero-shot")
        contest = Contest(
            data=data,
            columns=Columns(text=text_column, label=label_column, separator=label_separator, group=group),
            methods=tuple(map(named_method, dict.fromkeys(named))),
            folds=folds,
            run_folds=1 if quick else folds,
            positive=positive,
            draws=draws,
            descriptions={} if descriptions is None else read_descriptions(descriptions),
            encoder=ModelSettings.model_validate(settings),
            recipe=Recipe(epochs=epochs, learning_rate=learning_rate, keep_embedding=keep_embedding, seed=seed),
            work=folder,
        )
        result = compare_methods(contest, progress=progress)
    sys.stdout.write(_as_json(result, data, folds=folds, run=contest.run_folds) if as_json else _as_text(result))


def _as_json(result: "Result", data: Path, *, folds: int, run: int) -> str:
    line = {
        "f1": {one.method: round(one.f1.value, 4) for one in result.standings.methods},
        "f1_of": result.counted,
        "data": data.name,
        "folds": folds,
        "folds_run": run,
        "rows": result.examples.rows,
        "distinct": len(result.examples.kept),
        "judged": result.judged,
        "standings": [asdict(one) for one in result.standings.methods],
        "best_minus": {method: asdict(one) for method, one in result.standings.differences.items()},
    }
    return json.dumps(line) + "\n"


def _as_text(result: "Result") -> str:
    examples = result.examples
    lines = [
        f"{examples.rows} rows, {len(examples.kept)} distinct texts, {result.judged} judged; F1 of {result.counted}",
        "",
        "| method | F1 (95 % interval) | best minus this | p | accuracy | macro F1 | messages/s | MB | training s |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for one in result.standings.methods:
        minus = result.standings.differences.get(one.method)
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
    return (
        "\n".join(
            [
                *lines,
                "",
                "Intervals and p: paired bootstrap over the judged texts.",
                "±: standard deviation over draws of the texts trained on.",
            ]
        )
        + "\n"
    )
