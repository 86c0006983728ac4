"""Spam in long texts: what a model finds that cuts them, and one that reads them in windows.

Long texts are made at run time from labelled short ones that the model was not trained on: some WORDS words of ham
texts, and a spam text before, amid or behind them; beside them as many without any spam. A spam text counts as found
if the long text is given the label. All thresholds of a row are read off one run: with a threshold of 0 a text has the
probabilities of the window that shows spam most.

    python benchmarks/long_texts.py split/test.jsonl --model frozen
"""

import argparse
import json
import random
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from textsieve.trainer.data.examples import Examples
from textsieve.trainer.data.reading import read_examples
from textsieve.trainer.evaluation.thresholds import share
from textsieve.worker.inference.loading import load_predictor
from textsieve.worker.settings import ModelSettings

WORDS = 300
PLACES = ("beginning", "middle", "end")
SPAM = "spam"
THRESHOLDS = (0.5, 0.8, 0.95)
SEED = 1


def main() -> None:
    """Build the texts, let the model read them in several ways, print a line of JSON."""
    chosen = parser().parse_args()
    texts = long_texts(read_examples(chosen.data), count=chosen.texts)
    options = {"path": chosen.model, "max_tokens": chosen.max_tokens}
    outcome = {
        "model": Path(chosen.model).name,
        "max_tokens": chosen.max_tokens,
        "texts": {place: len(rows) for place, rows in texts.items()},
        "words": WORDS,
        "ways": ways(options, texts),
    }
    print(json.dumps(outcome))


def parser() -> argparse.ArgumentParser:
    """Of the command line."""
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("data", type=Path, help="labelled texts, ham and spam, that the model was not trained on")
    options.add_argument("--model", required=True, help="what a worker would serve")
    options.add_argument("--texts", type=int, default=80, help="spam texts, and as many without spam")
    options.add_argument("--max-tokens", type=int, help="of a window; the model's own if unset")
    return options


def long_texts(examples: Examples, *, count: int) -> dict[str, list[str]]:
    """Texts with spam at each place, by the place, and texts of ham alone, by "nowhere"."""
    rng = random.Random(SEED)
    ham = [row.text for row in examples.kept if row.labels != (SPAM,)]
    spam = [row.text for row in examples.kept if row.labels == (SPAM,)][:count]
    found: dict[str, list[str]] = {place: [] for place in (*PLACES, "nowhere")}
    for text in spam:
        around = some_ham(ham, rng)
        for place, cut in zip(PLACES, (0, len(around) // 2, len(around)), strict=True):
            found[place].append("\n".join([*around[:cut], text, *around[cut:]]))
        found["nowhere"].append("\n".join(some_ham(ham, rng)))
    return found


def some_ham(ham: Sequence[str], rng: random.Random) -> list[str]:
    """Different texts, WORDS words or a few more together."""
    order, chosen, words = iter(rng.sample(ham, len(ham))), [], 0
    while words < WORDS:
        chosen.append(next(order))
        words += len(chosen[-1].split())
    return chosen


def ways(options: dict, texts: dict[str, list[str]]) -> list[dict]:
    """Cut; windows whose mean counts; windows of which one suffices, at several thresholds."""
    cut, mean, one = (
        spam_probabilities({**options, **changes}, texts)
        for changes in (
            {"max_windows": 1},
            {"max_windows": 16, "thresholds": {}},
            {"max_windows": 16, "thresholds": {SPAM: 0.0}},
        )
    )
    return [
        judged("cut", 0.5, cut),
        judged("windows, mean", 0.5, mean),
        *(judged("windows, one suffices", least, one) for least in THRESHOLDS),
    ]


def spam_probabilities(options: dict, texts: dict[str, list[str]]) -> dict[str, np.ndarray]:
    """The probability of spam of every text, by place."""
    settings = {"engine": "torch", "precision": "fp32", "threads": 1, "max_batch_tokens": 1024, **options}
    predictor = load_predictor(ModelSettings.model_validate(settings))
    column = predictor.card.labels.index(SPAM)
    return {place: predictor.predict(rows).probabilities[:, column] for place, rows in texts.items()}


def judged(way: str, least: float, probabilities: dict[str, np.ndarray]) -> dict:
    """Recall at each place, and the share of texts without spam that are given it all the same."""
    found = {place: share(int((p >= least).sum()), len(p)) for place, p in probabilities.items()}
    return {"way": way, "threshold": least, "given_spam": {place: asdict(one) for place, one in found.items()}}


if __name__ == "__main__":
    main()
