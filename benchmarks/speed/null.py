"""A worker whose model costs nothing, or nothing but its tokenizer.

Arguments: the tokenizer's folder or `none`, then `section.option=value ...`.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

import tokenizers

from benchmarks._null import NullPredictor
from benchmarks.rivals.wiring import WINDOW
from textsieve.worker import app
from textsieve.worker.__main__ import _exit_codes
from textsieve.worker.inference.predictor import ModelCard
from textsieve.worker.inference.tokens import Tokenizer
from textsieve.worker.loading import load_settings
from textsieve.worker.records import Predictions


@dataclass(frozen=True, slots=True)
class TokenisingPredictor:
    """The null predictor behind a real tokenizer."""

    tokenizer: Tokenizer
    null: NullPredictor = field(default_factory=NullPredictor)

    @property
    def card(self) -> ModelCard:
        """See Predictor."""
        return self.null.card

    def predict(self, texts: Sequence[str]) -> Predictions:
        """See Predictor."""
        self.tokenizer.tokenize(texts)
        return self.null.predict(texts)


def main() -> None:
    """Run the worker that the command line describes."""
    predictor: NullPredictor | TokenisingPredictor = NullPredictor()
    if sys.argv[1] != "none":
        backend = tokenizers.Tokenizer.from_file(f"{sys.argv[1]}/tokenizer.json")
        predictor = TokenisingPredictor(Tokenizer(backend, max_tokens=WINDOW, pad_id=0))
    with _exit_codes():
        app.run(load_settings(overrides=sys.argv[2:]), parts=app.Parts(predictor=predictor))


if __name__ == "__main__":
    main()
