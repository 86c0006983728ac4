"""A worker with the default model, torch as good as not installed: `lean_worker.py section.option=value ...`."""

import sys

from tests.without_torch import forbid
from textsieve.worker.app import run
from textsieve.worker.loading import load_settings

if __name__ == "__main__":
    forbid("find")
    run(load_settings(overrides=sys.argv[1:]))
