"""`python -m trainer cluster`: how well an embedding groups texts."""

import json
import sys
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from threadpoolctl import threadpool_limits

from trainer.commands.console import exit_codes, progress_bars
from worker.errors import ConfigurationError
from worker.settings import ModelSettings

_MEASURES = ("nmi", "ari", "accuracy", "silhouette")


class Which(StrEnum):
    """Whose clusters."""

    kmeans = "kmeans"
    minibatch = "minibatch"
    online = "online"


def cluster(
    data: Annotated[Path, typer.Argument(help="Labelled texts; the labels only judge.")],
    *,
    model: Annotated[str, typer.Option(help="Whose embedding: `default`, a bundle, a folder or a hub id.")] = "default",
    method: Annotated[
        Which, typer.Option(help="kmeans, its mini-batch form, or online: as a worker does while texts arrive.")
    ] = Which.kmeans,
    k: Annotated[int | None, typer.Option(min=2, help="Number of clusters; that of the labels if unset.")] = None,
    seed_texts: Annotated[
        int | None,
        typer.Option(min=2, help="online: texts that seed the centroids; as many as a worker takes if unset."),
    ] = None,
    sample: Annotated[
        int | None, typer.Option(min=3, help="Take so many texts, drawn by --seed; all if unset.")
    ] = None,
    without: Annotated[list[str] | None, typer.Option(help="Leave out the texts of this label; repeatable.")] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Runs, from different first centroids.")] = 3,
    seed: Annotated[int, typer.Option(min=0, help="Of the sample, and the first of the runs.")] = 0,
    text_column: Annotated[str, typer.Option(help="Column or key of the text.")] = "text",
    label_column: Annotated[str, typer.Option(help="Column or key of the label.")] = "label",
    revision: Annotated[str | None, typer.Option(help="Commit of a hub model.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    threads: Annotated[int | None, typer.Option(min=1, help="CPU threads; all cores if unset.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one line of JSON.")] = False,
) -> None:
    """Cluster the embeddings of labelled texts and say how well clusters and labels agree."""
    import numpy as np  # noqa: PLC0415 - with sklearn and torch seconds: --help does not wait

    from trainer.clusters import default_seed_texts, score_clusters  # noqa: PLC0415
    from trainer.frozen import embed  # noqa: PLC0415
    from trainer.reading import Columns, read_examples  # noqa: PLC0415
    from trainer.samples import sampled  # noqa: PLC0415
    from worker.inference.loading import load_embedder  # noqa: PLC0415

    settings: dict[str, Any] = {"path": model, "revision": revision, "device": device, "threads": threads}
    with exit_codes(), threadpool_limits(threads), progress_bars("embed") as progress:
        examples = read_examples(data, Columns(text=text_column, label=label_column))
        picked = sampled(examples, without=without or (), count=sample, seed=seed)
        labels = picked.labels
        count = k or len(np.unique(labels))
        if not 2 <= count < len(labels):  # noqa: PLR2004 - fewer are no clusters
            raise ConfigurationError(f"--k: expected 2 to {len(labels) - 1}, below the number of texts, came {count}")
        first = seed_texts or default_seed_texts(count)
        if method is Which.online and not count <= first < len(labels) - 1:
            raise ConfigurationError(
                f"--seed-texts: expected {count} (--k) to {len(labels) - 2} of {len(labels)} texts, came {first}"
            )
        predictor, encoder = load_embedder(ModelSettings.model_validate(settings))
        total = len(picked.kept)
        embeddings = embed(predictor, picked.texts, tick=lambda step: progress("embed", step, total))
        runs = score_clusters(
            embeddings, labels, k=count, method=method.value, seeds=range(seed, seed + seeds), seed_texts=seed_texts
        )
    means = {name: float(np.mean([getattr(run, name) for run in runs])) for name in _MEASURES}
    line = {
        "data": data.name,
        "model": model,
        "fingerprint": encoder.fingerprint,
        "texts": total,
        "labels": len(np.unique(labels)),
        "k": count,
        "method": method.value,
        "mean": means,
        "runs": [asdict(run) for run in runs],
    }
    text = [
        f"{total} texts, {line['labels']} labels, {count} clusters by {method.value}, mean of {seeds} runs:",
        *(f"  {name:<10}  {value:.4f}" for name, value in means.items()),
    ]
    sys.stdout.write(json.dumps(line) + "\n" if as_json else "\n".join(text) + "\n")
