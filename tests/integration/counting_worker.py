"""A real worker process that counts words: `counting_worker.py section.option=value ...`."""

import sys

from tests.counting_stage import CountWords
from textsieve.worker import app
from textsieve.worker.commands.console import exit_codes
from textsieve.worker.loading import load_settings
from textsieve.worker.testing import HashingPredictor

if __name__ == "__main__":
    with exit_codes():
        settings = load_settings(overrides=sys.argv[1:])
        app.run(settings, overrides=app.Overrides(predictor=HashingPredictor(), stages=(CountWords(),)))
