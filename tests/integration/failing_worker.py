"""A worker whose model fails on some texts and quotes them: `FAIL_ON` is a pattern."""

import os
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from textsieve.worker import app
from textsieve.worker.commands.console import exit_codes
from textsieve.worker.errors import PredictorError
from textsieve.worker.inference.predictor import ModelCard
from textsieve.worker.loading import load_settings
from textsieve.worker.records import Predictions
from textsieve.worker.testing import HashingPredictor

FAIL_ON = re.compile(os.environ.get("FAIL_ON", "poison"))


@dataclass(frozen=True)
class Failing:
    """Raises as TransformerPredictor does: the foreign error, which quotes the text, is the cause alone."""

    inner: HashingPredictor

    @property
    def card(self) -> ModelCard:
        return self.inner.card

    def predict(self, texts: Sequence[str]) -> Predictions:
        try:
            for text in texts:
                _read(text)
        except ValueError as error:
            raise PredictorError(f"the tokenizer raised {type(error).__name__} on {len(texts)} texts") from error
        return self.inner.predict(texts)


def _read(text: str) -> None:
    if FAIL_ON.search(text):
        raise ValueError(f"cannot read {text!r}")


if __name__ == "__main__":
    with exit_codes():
        app.run(load_settings(overrides=sys.argv[1:]), overrides=app.Overrides(predictor=Failing(HashingPredictor())))
