"""`python -m trainer seed`: clusters that are good from the first message on."""

import json
from pathlib import Path
from random import Random
from typing import Annotated

import typer
from threadpoolctl import threadpool_limits

from textsieve.trainer.commands import options
from textsieve.trainer.commands.console import echo, exit_codes, progress_bars
from textsieve.worker.errors import ConfigurationError


def seed(
    data: Annotated[Path, typer.Argument(help="Texts like those of the stream; labels are not needed.")],
    *,
    config: Annotated[
        Path | None, typer.Option(help="The workers' TOML file; textsieve.toml in this folder if there is one.")
    ] = None,
    overrides: Annotated[
        list[str] | None, typer.Option("--set", help="section.option=value, as for the workers; repeatable.")
    ] = None,
    file_format: options.FileFormat = None,
    encoding: options.Encoding = None,
    delimiter: options.Delimiter = None,
    no_header: options.NoHeader = False,
    no_quotes: options.NoQuotes = False,
    text_column: options.TextColumn = "text",
    sample: Annotated[
        int | None, typer.Option(min=2, help="Take so many texts, drawn by --seed; all if unset.")
    ] = None,
    restarts: Annotated[int, typer.Option(min=1, help="Runs of k-means; the tightest clusters are kept.")] = 3,
    seed: Annotated[int, typer.Option(min=0, help="Of the sample and of the first centroids.")] = 0,
    replace: Annotated[
        bool, typer.Option("--replace", help="Forget the centroids that the space has: cluster numbers begin anew.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one line of JSON.")] = False,
) -> None:
    """Cluster texts offline, for the workers. Their cluster space is given the centroids.

    Space, number of clusters, group, model and store are those of the workers' settings.
    """
    from textsieve.trainer.clustering.seeding import seed_space  # noqa: PLC0415
    from textsieve.trainer.data.reading import read_texts  # noqa: PLC0415
    from textsieve.trainer.training.embedding import embed  # noqa: PLC0415 - torch takes seconds to import: --help does not wait
    from textsieve.worker.clustering.minibatch import best_seed  # noqa: PLC0415
    from textsieve.worker.clustering.space import space_of  # noqa: PLC0415
    from textsieve.worker.connectors.redis import RedisCentroidStore, connect  # noqa: PLC0415
    from textsieve.worker.inference.loading import load_predictor  # noqa: PLC0415
    from textsieve.worker.loading import load_settings  # noqa: PLC0415

    with exit_codes(), progress_bars("embed") as progress:
        settings = load_settings(config=config, overrides=overrides or ())
        k, rng = settings.clusters.k, Random(seed)
        texts = read_texts(
            data,
            text_column,
            normalized=settings.model.normalize,
            layout=options.layout(file_format, encoding, delimiter, no_header=no_header, no_quotes=no_quotes),
        )
        if sample is not None and sample < len(texts):
            texts = tuple(rng.sample(texts, sample))
        if len(texts) < k:
            raise ConfigurationError(f"{data}: expected at least {k} distinct texts (clusters.k), got {len(texts)}")
        predictor = load_predictor(settings.model)
        space = space_of(settings.clusters, model=predictor.card.fingerprint, group=settings.kafka.group_id)
        with connect(settings.redis) as client, threadpool_limits(settings.model.threads):
            store = RedisCentroidStore(client, settings.clusters.space, space)
            if not replace and store.load() is not None:  # known before the minutes are spent
                raise ConfigurationError(
                    f"clusters.space {settings.clusters.space!r}: expected a space without centroids, got one with "
                    "some; choose another one, or forget them with --replace"
                )
            embeddings = embed(predictor, texts, tick=lambda step: progress("embed", step, len(texts)))
            given = best_seed(embeddings, k=k, random_states=range(seed, seed + restarts))
            if replace:
                store.reset()
            written = seed_space(store, space, given, rng=Random())  # a revision never comes twice
    line = {
        "space": settings.clusters.space,
        "group": space.group,
        "model": space.model,
        "k": k,
        "texts": len(texts),
        "pooled": written.learned,
        "smallest": int(written.counts.min()),
        "largest": int(written.counts.max()),
    }
    text = (
        f"{k} clusters of {len(texts)} texts in space {line['space']!r} for group {space.group!r}, "
        f"of {line['smallest']} to {line['largest']} texts; {written.learned} pooled results counted\n"
    )
    echo(json.dumps(line) + "\n" if as_json else text)
