"""A real worker process without a model: `hashing_worker.py [--seconds-per-text=S] section.option=value ...`."""

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from textsieve.worker import app
from textsieve.worker.commands.console import exit_codes
from textsieve.worker.inference.prediction.cache import CachingPredictor
from textsieve.worker.loading import load_settings
from textsieve.worker.records import Predictions
from textsieve.worker.testing import HashingPredictor


@dataclass(slots=True)
class SlowPredictor(HashingPredictor):
    """Takes a given time per text."""

    seconds_per_text: float = 0.0

    def predict(self, texts: Sequence[str]) -> Predictions:
        time.sleep(self.seconds_per_text * len(texts))
        return HashingPredictor.predict(self, texts)


if __name__ == "__main__":
    flags = [argument for argument in sys.argv[1:] if argument.startswith("--")]
    seconds = float(flags[0].partition("=")[2]) if flags else 0.0
    with exit_codes():
        settings = load_settings(overrides=[argument for argument in sys.argv[1:] if argument not in flags])
        slow = SlowPredictor(seconds_per_text=seconds)
        predictor = CachingPredictor(slow, messages=1)  # counts repeats, and finds next to none
        app.run(settings, overrides=app.Overrides(predictor=predictor))
