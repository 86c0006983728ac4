"""`python -m trainer cluster`: how well an embedding groups texts."""

import json
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from threadpoolctl import threadpool_limits

from textsieve.trainer.commands import options
from textsieve.trainer.commands.console import echo, exit_codes, progress_bars
from textsieve.worker.errors import ConfigurationError
from textsieve.worker.settings import ModelSettings

if TYPE_CHECKING:
    from textsieve.trainer.experiments.cluster_texts import ClusterOptions, ClusterReport

_RANGE_STEPS = 12  # numbers of clusters tried in a range, at equal ratios


class ClusteringMethod(StrEnum):
    """Whose clusters."""

    kmeans = "kmeans"
    minibatch = "minibatch"
    online = "online"
    dec = "dec"


def cluster(
    data: Annotated[Path, typer.Argument(help="Labelled texts; the labels only judge.")],
    *,
    model: Annotated[
        str, typer.Option(help="Whose embedding: `default`, `multilingual`, a bundle, a folder or a hub id.")
    ] = "default",
    method: Annotated[
        ClusteringMethod,
        typer.Option(
            help="kmeans, its mini-batch form, online: as a worker does while texts arrive, or dec: deep embedded "
            "clustering, which refines the embedding."
        ),
    ] = ClusteringMethod.kmeans,
    k: Annotated[int | None, typer.Option(min=2, help="Number of clusters; that of the labels if unset.")] = None,
    choose_k: Annotated[
        str | None, typer.Option(help="Try these numbers of clusters (20,50,100) or this range (20-300), suggest one.")
    ] = None,
    seed_texts: Annotated[
        int | None,
        typer.Option(min=2, help="online: texts that seed the centroids; as many as a worker takes if unset."),
    ] = None,
    topic_column: Annotated[
        str | None, typer.Option(help="online: texts with the same value here arrive together; mixed if unset.")
    ] = None,
    seed_from_all: Annotated[
        bool,
        typer.Option("--seed-from-all", help="online: the texts that seed are of all topics, as after `trainer seed`."),
    ] = False,
    half_life: Annotated[
        float | None, typer.Option(min=1, help="online: texts after which older ones weigh half; never if unset.")
    ] = None,
    steps: Annotated[int, typer.Option(min=1, help="dec: at most.")] = 100,
    refresh: Annotated[int, typer.Option(min=1, help="dec: steps between two targets.")] = 50,
    layers: Annotated[int, typer.Option(min=1, help="dec: so many of the upper layers learn.")] = 2,
    batch_size: Annotated[int, typer.Option(min=1, help="dec: texts of a step.")] = 128,
    learning_rate: Annotated[float, typer.Option(min=0, help="dec: of the layers.")] = 2e-5,
    center_learning_rate: Annotated[float, typer.Option(min=0, help="dec: of the centroids.")] = 1e-3,
    keep_embedding: Annotated[
        float, typer.Option(min=0, help="dec: how strongly the embedding is held near the original one.")
    ] = 1.0,
    tolerance: Annotated[
        float, typer.Option(min=0, max=1, help="dec: ends when fewer than this share of the texts change cluster.")
    ] = 0.001,
    out: Annotated[
        Path | None,
        typer.Option(
            help="dec: folder of a bundle with the refined encoder and a head for the labels. --choose-k: folder for "
            "choose-k.md, choose-k.json and choose-k.svg."
        ),
    ] = None,
    sample: Annotated[
        int | None, typer.Option(min=3, help="Take so many texts, drawn by --seed; all if unset.")
    ] = None,
    without: Annotated[list[str] | None, typer.Option(help="Leave out the texts of this label; repeatable.")] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Runs, from different first centroids.")] = 3,
    seed: Annotated[int, typer.Option(min=0, help="Of the sample, and the first of the runs.")] = 0,
    file_format: options.FileFormat = None,
    encoding: options.Encoding = None,
    delimiter: options.Delimiter = None,
    no_header: options.NoHeader = False,
    no_quotes: options.NoQuotes = False,
    text_column: options.TextColumn = "text",
    label_column: Annotated[str, typer.Option(help="Column or key of the label.")] = "label",
    normalize: options.Normalize = True,
    revision: options.Revision = None,
    device: options.Device = "auto",
    threads: options.Threads = None,
    work: Annotated[
        Path | None,
        typer.Option(
            help="Folder where embeddings are kept for the next time, and checkpoints of dec; embeddings are not kept "
            "if unset, checkpoints in cluster-DATA.work. It holds no text."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one line of JSON.")] = False,
) -> None:
    """Cluster embeddings of labelled texts. Says how well clusters and labels agree."""
    from textsieve.trainer.clustering.dec_config import DecConfig  # noqa: PLC0415
    from textsieve.trainer.data.reading import Columns  # noqa: PLC0415
    from textsieve.trainer.experiments.cluster_texts import ClusterOptions, run  # noqa: PLC0415 - torch takes seconds: --help does not wait

    refines = method is ClusteringMethod.dec and choose_k is None
    checkpoints = work or Path(f"cluster-{data.name.partition('.')[0]}.work")
    goes_on = f"interrupted; the same command goes on from what is in {checkpoints}" if refines else "interrupted"
    with (
        exit_codes(if_interrupted=goes_on),
        threadpool_limits(threads),
        progress_bars("embed", "refine", "choose") as progress,
    ):
        if out is not None and not refines and choose_k is None:
            raise ConfigurationError("--out: expected --method dec or --choose-k, others have nothing to write")
        if out is not None and choose_k is not None:
            options.require_report_folder(out)
        wanted = ClusterOptions(
            path=data,
            columns=Columns(
                text=text_column,
                label=label_column,
                slice=topic_column,
                normalize=normalize,
                layout=options.layout(file_format, encoding, delimiter, no_header=no_header, no_quotes=no_quotes),
            ),
            without=tuple(without or ()),
            sample=sample,
            encoder=_settings(model, revision=revision, device=device, threads=threads, refines=refines),
            method=method.value,
            k=k,
            ks=() if choose_k is None else _numbers(choose_k),
            seeds=seeds,
            seed=seed,
            seed_texts=seed_texts,
            half_life=half_life,
            seed_from_all=seed_from_all,
            config=DecConfig(
                steps=steps,
                refresh=refresh,
                batch_size=batch_size,
                layers=layers,
                learning_rate=learning_rate,
                center_learning_rate=center_learning_rate,
                keep_embedding=keep_embedding,
                tolerance=tolerance,
                seed=seed,
            ),
            bundle=out if refines else None,
            work=work,
            checkpoints=checkpoints,
        )
        found = run(wanted, now=datetime.now(UTC), progress=progress)
        line = _line(found, wanted, model)
        if out is not None:
            _write(out, found, line)
    wrote = "" if out is None else f"wrote {out}\n"
    echo(json.dumps(line) + "\n" if as_json else _text(found, line) + wrote)


def _settings(model: str, *, revision: str | None, device: str, threads: int | None, refines: bool) -> ModelSettings:
    settings: dict[str, Any] = {"path": model, "revision": revision, "device": device, "threads": threads}
    if refines:  # learning knows no other engine, and sees a text as one row
        settings |= {"engine": "torch", "precision": "fp32", "max_windows": 1}
    return ModelSettings.model_validate(settings)


def _numbers(choose_k: str) -> tuple[int, ...]:
    """20,50,100 as it stands, 20-300 in steps of equal ratios."""
    low, dash, high = choose_k.partition("-")
    if not dash:
        found = options.whole_numbers(choose_k, option="--choose-k")
    else:
        (first,), (last,) = (options.whole_numbers(one, option="--choose-k") for one in (low, high))
        ratio = (max(last, 1) / max(first, 1)) ** (1 / (_RANGE_STEPS - 1))
        found = tuple(sorted({round(first * ratio**step) for step in range(_RANGE_STEPS)}))
    if len(found) < 2:  # noqa: PLR2004 - there is nothing to choose
        raise ConfigurationError(f"--choose-k: expected at least two numbers or a range, got {choose_k!r}")
    return found


def _line(found: "ClusterReport", wanted: "ClusterOptions", model: str) -> dict[str, Any]:
    examples = found.examples
    return {
        "data": wanted.path.name,
        "model": model,
        "fingerprint": found.fingerprint,
        "texts": len(examples.kept),
        "labels": len(examples.label_names),
        **found.result.line(),
    }


def _text(found: "ClusterReport", line: dict[str, Any]) -> str:
    from textsieve.trainer.clustering.results import ClusteringResult  # noqa: PLC0415 - as above

    if isinstance(found.result, ClusteringResult):
        first = f"{line['texts']} texts, {line['labels']} labels, {line['k']} clusters by {line['method']}:"
        return f"{first}\n{found.result.text()}\n"
    from textsieve.trainer.reports.choose_k_table import table  # noqa: PLC0415 - as above

    return table(line["data"], found.result.tried, found.result.suggestion)


def _write(folder: Path, found: "ClusterReport", line: dict[str, Any]) -> None:
    from textsieve.trainer.clustering.results import ClusteringResult  # noqa: PLC0415 - as above
    from textsieve.trainer.reports.choose_k_plot import picture  # noqa: PLC0415 - matplotlib is an extra

    if isinstance(found.result, ClusteringResult):  # its bundle is written
        return
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "choose-k.md").write_text(_text(found, line), encoding="utf-8")
    (folder / "choose-k.json").write_text(json.dumps(line, indent=2) + "\n", encoding="utf-8")
    svg = picture(found.result.tried, found.result.suggestion)
    (folder / "choose-k.svg").write_text(svg + "\n", encoding="utf-8")
