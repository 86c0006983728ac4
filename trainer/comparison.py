"""Compares methods on the same folds: each answer is kept, so that a long comparison can be done in pieces."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import msgspec
import numpy as np

from trainer.examples import Examples, Targets
from trainer.fit import Progress
from trainer.frozen import embed
from trainer.methods import METHODS, Bench, Fold, FoldEmbeddings, Outcome, run
from trainer.originals import remembered
from trainer.reading import Columns, read_examples
from trainer.recipe import Recipe
from trainer.significance import Difference, Interval, difference, interval, resampled_f1
from trainer.splits import Split, folds, given_split
from worker.errors import ConfigurationError
from worker.inference.loading import load_embedder
from worker.inference.predictor import Predictor
from worker.inference.sources import file_sha256, weight_files
from worker.records import Embeddings
from worker.settings import ModelSettings

_MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class Contest:
    """What is compared."""

    data: Path
    columns: Columns
    methods: tuple[str, ...]
    folds: int
    run_folds: tuple[int, ...]  # which of them; what another process has done in the work folder is not done again
    given_split: bool  # the file's own split, in the slice column, takes the place of folds
    positive: str | None  # the label whose F1 counts; None: of two exclusive ones the rarer, else the mean of all
    descriptions: Mapping[str, tuple[str, ...]]
    encoder: ModelSettings
    recipe: Recipe
    work: Path


@dataclass(frozen=True, slots=True)
class Standing:
    """One method over all folds that were run."""

    method: str
    f1: Interval
    fold_f1: tuple[float, ...]
    accuracy: float
    macro_f1: float
    train_seconds: float | None  # of one fold, mean; None: a fold was trained by an interrupted run
    messages_per_second: float  # median over folds
    megabytes: float


@dataclass(frozen=True, slots=True)
class Result:
    """A comparison."""

    examples: Examples
    counted: str  # what `f1` is the F1 of
    judged: int  # texts
    standings: tuple[Standing, ...]  # the best F1 first
    differences: Mapping[str, Difference]  # method -> the best one minus it


def compare(contest: Contest, *, progress: Progress = lambda *_: None) -> Result:
    """Run what is missing, then judge.

    Raises:
        ConfigurationError: data, methods or descriptions do not fit.
        PredictorError: a model failed on the texts.
        KeyboardInterrupt: interrupted; the same call goes on from the work folder.
    """
    examples = read_examples(contest.data, contest.columns)
    names = examples.label_names
    _require_runnable(contest, examples, names)
    parts = _parts(contest, examples)
    found = _outcomes(contest, examples, names, parts, progress)
    tests = [examples.pick(part.test).targets(names) for part in parts.values()]
    targets = np.concatenate(tests)
    columns = _counted(contest, examples, names)
    seed = contest.recipe.seed
    samples = {
        method: resampled_f1(targets[:, columns], _decided(outcomes)[:, columns], seed=seed)
        for method, outcomes in found.items()
    }
    standings = [
        _standing(method, outcomes, interval(samples[method]), tests=tests, columns=columns)
        for method, outcomes in found.items()
    ]
    standings.sort(key=lambda one: -one.f1.value)
    best = standings[0].method
    return Result(
        examples=examples,
        counted=names[columns[0]] if len(columns) == 1 else f"mean of {len(columns)} labels",
        judged=len(targets),
        standings=tuple(standings),
        differences={method: difference(samples[best], samples[method]) for method in found if method != best},
    )


def _parts(contest: Contest, examples: Examples) -> dict[str, Split]:
    """What is learned and what is answered, by the name of its folder."""
    if contest.given_split:
        return {"given-split": given_split(examples)}
    cuts = folds(examples, count=contest.folds, seed=contest.recipe.seed)
    return {f"fold-{number}": cuts[number] for number in contest.run_folds}


def _require_runnable(contest: Contest, examples: Examples, names: Sequence[str]) -> None:
    unknown = sorted(set(contest.methods) - set(METHODS))
    if unknown or not contest.methods:
        raise ConfigurationError(
            f"--methods: expected some of {', '.join(METHODS)}, came {', '.join(unknown) or 'none'}"
        )
    if len(names) < 2:  # noqa: PLR2004 - nothing to choose between
        raise ConfigurationError(f"{contest.data}: expected at least 2 labels, came {len(names)}")
    if contest.positive is not None and contest.positive not in names:
        raise ConfigurationError(f"--positive: expected a label of the data, came {contest.positive!r}")
    if "zero-shot" in contest.methods:
        silent = [name for name in names if not contest.descriptions.get(name)]
        if silent or examples.multi_label:
            raise ConfigurationError(
                f"--descriptions: zero-shot needs exclusive labels and a description of each, came none for "
                f"{silent[0] if silent else 'lists of labels'}; add it or leave zero-shot out of --methods"
            )


def _outcomes(
    contest: Contest, examples: Examples, names: tuple[str, ...], parts: Mapping[str, Split], progress: Progress
) -> dict[str, list[Outcome]]:
    embedder, encoder = load_embedder(contest.encoder)
    embeddings = _embeddings(contest, examples, embedder, progress) if "frozen" in contest.methods else None
    bench = Bench(
        embedder=embedder,
        encoder_megabytes=sum(path.stat().st_size for path in weight_files(encoder.folder)) / _MEGABYTE,
        settings=contest.encoder,
        recipe=contest.recipe,
        descriptions=contest.descriptions,
        progress=progress,
        normalize=contest.columns.normalize,
    )
    found: dict[str, list[Outcome]] = {method: [] for method in contest.methods}
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
        for method in contest.methods:
            path = fold.work / f"{method}-{_identity(contest, method, encoder.fingerprint)}.json"
            found[method].append(_remembered_outcome(path) or _run(method, fold, bench, path))
            progress("methods", 1, len(parts) * len(contest.methods))
    return found


def _embeddings(contest: Contest, examples: Examples, embedder: Predictor, progress: Progress) -> Embeddings:
    texts = examples.texts
    return remembered(
        contest.work,
        encoder=embedder.card.fingerprint,
        texts=texts,
        embed=lambda some: embed(embedder, some, tick=lambda count: progress("embed", count, len(texts))),
    )


def _run(method: str, fold: Fold, bench: Bench, path: Path) -> Outcome:
    outcome = run(method, fold, bench)
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


def _identity(contest: Contest, method: str, fingerprint: str) -> str:
    """Changes with whatever an outcome depends on: what was answered under other options is not used again."""
    parts = [
        file_sha256(contest.data),
        asdict(contest.columns),
        contest.folds,
        asdict(contest.recipe),
        fingerprint,
        dict(contest.descriptions) if method == "zero-shot" else {},
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:12]


def _counted(contest: Contest, examples: Examples, names: Sequence[str]) -> list[int]:
    if contest.positive is not None:
        return [names.index(contest.positive)]
    if len(names) == 2 and not examples.multi_label:  # noqa: PLR2004 - one of them is what is looked for
        return [int(examples.targets(names).sum(axis=0).argmin())]
    return list(range(len(names)))


def _decided(outcomes: Sequence[Outcome]) -> Targets:
    return np.concatenate([outcome.decided for outcome in outcomes])


def _standing(
    method: str,
    outcomes: Sequence[Outcome],
    f1: Interval,
    *,
    tests: Sequence[Targets],
    columns: Sequence[int],
) -> Standing:
    decided, targets = _decided(outcomes), np.concatenate(tests)
    seconds = [outcome.train_seconds for outcome in outcomes if outcome.train_seconds is not None]
    return Standing(
        method=method,
        f1=f1,
        fold_f1=tuple(
            _f1(test[:, columns], outcome.decided[:, columns]) for test, outcome in zip(tests, outcomes, strict=True)
        ),
        accuracy=float((decided == targets).all(axis=1).mean()),
        macro_f1=_f1(targets, decided),
        train_seconds=float(np.mean(seconds)) if len(seconds) == len(outcomes) else None,
        messages_per_second=float(np.median([outcome.messages_per_second for outcome in outcomes])),
        megabytes=float(np.mean([outcome.megabytes for outcome in outcomes])),
    )


def _f1(targets: Targets, decided: Targets) -> float:
    hits, both = (targets & decided).sum(axis=0), targets.sum(axis=0) + decided.sum(axis=0)
    return float(np.where(both > 0, 2 * hits / np.maximum(both, 1), 0.0).mean())
