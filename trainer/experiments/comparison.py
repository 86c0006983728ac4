"""Compares methods on the same folds: each answer is kept, so that a long comparison can be done in pieces."""

import hashlib
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import msgspec
import numpy as np

from textsieve.trainer.data.examples import Examples
from textsieve.trainer.data.label_descriptions import Descriptions, described_by_name, require_described
from textsieve.trainer.data.reading import Columns, read_examples
from textsieve.trainer.data.splits import Split, folds, given_split
from textsieve.trainer.evaluation.target_metric import counted_labels, counted_name
from textsieve.trainer.experiments.experiment_data import (
    DESCRIBED,
    EMBEDDED,
    MEGABYTE,
    METHODS,
    Bench,
    Fold,
    FoldEmbeddings,
    Method,
    Outcome,
    drawn,
    speed,
)
from textsieve.trainer.experiments.methods import run
from textsieve.trainer.experiments.ranking import Standings, stand
from textsieve.trainer.fit import Progress
from textsieve.trainer.training.config import Recipe
from textsieve.trainer.training.embedding_cache import remembered
from textsieve.trainer.training.linear_probe import embed
from textsieve.worker.errors import ConfigurationError
from textsieve.worker.inference.loading import load_embedder
from textsieve.worker.inference.model_folder.model_files import file_sha256, weight_files
from textsieve.worker.inference.predictor import Predictor
from textsieve.worker.records import Embeddings
from textsieve.worker.settings import ModelSettings

_OLDER_COLUMNS = frozenset(
    {"slice", "separator", "normalize"}
)  # named though unset, so that older work folders are still read


@dataclass(frozen=True, slots=True)
class Contest:
    """What is compared."""

    data: Path
    columns: Columns
    methods: tuple[Method, ...]
    folds: int
    run_folds: tuple[int, ...]  # which of them; what another process has done in the work folder is not done again
    given_split: bool  # the file's own split, in the slice column, takes the place of folds
    positive: str | None  # the label whose F1 counts; None: of two exclusive ones the rarer, else the mean of all
    draws: int  # of training texts, for methods that see a few of each label
    descriptions: Descriptions  # those of the labels by their names if there are none
    encoder: ModelSettings
    recipe: Recipe
    work: Path


@dataclass(frozen=True, slots=True)
class Result:
    """A comparison."""

    examples: Examples
    counted: str  # what `f1` is the F1 of
    judged: int  # texts
    standings: Standings


def compare(contest: Contest, *, progress: Progress = lambda *_: None) -> Result:
    """Run what is missing, then judge.

    Raises:
        ConfigurationError: data, methods or descriptions do not fit.
        PredictorError: a model failed on the texts.
        KeyboardInterrupt: interrupted; the same call goes on from the work folder.
    """
    examples = read_examples(contest.data, contest.columns)
    names = examples.label_names
    contest = replace(contest, descriptions=contest.descriptions or described_by_name(names))
    _require_runnable(contest, examples, names)
    parts = _parts(contest, examples)
    found = _outcomes(contest, examples, names, parts, progress)
    tests = [examples.pick(part.test).targets(names) for part in parts.values()]
    columns = counted_labels(examples, names, positive=contest.positive)
    return Result(
        examples=examples,
        counted=counted_name(columns, names),
        judged=sum(map(len, tests)),
        standings=stand(found, tests, columns=columns, seed=contest.recipe.seed),
    )


def _parts(contest: Contest, examples: Examples) -> dict[str, Split]:
    """What is learned and what is answered, by the name of its folder."""
    if contest.given_split:
        return {"given-split": given_split(examples)}
    cuts = folds(examples, count=contest.folds, seed=contest.recipe.seed)
    return {f"fold-{number}": cuts[number] for number in contest.run_folds}


def _require_runnable(contest: Contest, examples: Examples, names: Sequence[str]) -> None:
    unknown = sorted({method.name for method in contest.methods if method.kind not in METHODS})
    if unknown or not contest.methods:
        raise ConfigurationError(
            f"--methods: expected some of {', '.join(METHODS)} (-8 after a name: from 8 texts of each label), "
            f"got {', '.join(unknown) or 'none'}"
        )
    if len(names) < 2:  # noqa: PLR2004 - nothing to choose between
        raise ConfigurationError(f"{contest.data}: expected at least 2 labels, got {len(names)}")
    counted_labels(examples, names, positive=contest.positive)  # refused before the minutes are spent
    if any(method.kind in DESCRIBED for method in contest.methods):
        require_described(contest.descriptions, names)
    exclusive = [method.name for method in contest.methods if method.kind in (*DESCRIBED, "prototypes")]
    if exclusive and examples.multi_label:
        raise ConfigurationError(f"--methods: {exclusive[0]} needs exclusive labels, got lists; leave it out")


def _outcomes(
    contest: Contest, examples: Examples, names: tuple[str, ...], parts: Mapping[str, Split], progress: Progress
) -> dict[str, list[list[Outcome]]]:
    embedder, encoder = load_embedder(contest.encoder)
    embedded = any(method.kind in EMBEDDED for method in contest.methods)
    embeddings = _embeddings(contest, examples, embedder, progress) if embedded else None
    bench = Bench(
        embedder=embedder,
        embedding_seconds=1 / speed(embedder.predict, examples.texts) if embedded else 0.0,
        encoder_megabytes=sum(path.stat().st_size for path in weight_files(encoder.files.path)) / MEGABYTE,
        settings=contest.encoder,
        recipe=contest.recipe,
        descriptions=contest.descriptions,
        progress=progress,
        normalize=contest.columns.normalize,
    )
    draws = {method: 1 if method.shots is None else contest.draws for method in contest.methods}
    steps = len(parts) * sum(draws.values())
    found: dict[str, list[list[Outcome]]] = {method.name: [[] for _ in range(draws[method])] for method in draws}
    for name, part in parts.items():
        fold = Fold(
            train=examples.pick(part.train),
            test=examples.pick(part.test),
            embeddings=None
            if embeddings is None
            else FoldEmbeddings(train=embeddings[part.train], test=embeddings[part.test]),
            names=names,
            work=contest.work / name,
        )
        for method, count in draws.items():
            for draw in range(count):
                seen = drawn(fold, method, draw=draw, seed=(contest.recipe.seed, zlib.crc32(name.encode()), draw))
                path = seen.work / f"{method.name}-{_identity(contest, method, encoder.fingerprint)}.json"
                found[method.name][draw].append(_remembered_outcome(path) or _run(method, seen, bench, path))
                progress("methods", 1, steps)
    return found


def _embeddings(contest: Contest, examples: Examples, embedder: Predictor, progress: Progress) -> Embeddings:
    texts = examples.texts
    return remembered(
        contest.work,
        encoder=embedder.card.fingerprint,
        texts=texts,
        embed=lambda some: embed(embedder, some, tick=lambda count: progress("embed", count, len(texts))),
    )


def _run(method: Method, fold: Fold, bench: Bench, path: Path) -> Outcome:
    outcome = run(method.kind, fold, bench)
    path.parent.mkdir(parents=True, exist_ok=True)
    content = asdict(outcome) | {"decided": outcome.decided.astype(int).tolist()}
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_text(json.dumps(content), encoding="utf-8")
    unfinished.replace(path)
    return outcome


def _remembered_outcome(path: Path) -> Outcome | None:
    if not path.is_file():
        return None
    content = msgspec.json.decode(path.read_bytes())
    return Outcome(**{**content, "decided": np.asarray(content["decided"], dtype=np.bool_)})


def _identity(contest: Contest, method: Method, fingerprint: str) -> str:
    """Changes with whatever an outcome depends on: what was answered under other options is not used again."""
    parts = [
        file_sha256(contest.data),
        {name: value for name, value in asdict(contest.columns).items() if value or name in _OLDER_COLUMNS},
        contest.folds,
        asdict(contest.recipe),
        fingerprint,
        dict(contest.descriptions) if method.kind in DESCRIBED else {},
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:12]
