"""Checkpoints belong to one run and are there whole."""

import resource
from contextlib import contextmanager

import pytest
import torch

from textsieve.trainer.training.checkpoints import Checkpoints
from textsieve.worker.errors import ConfigurationError

WEIGHTS = {"weight": torch.ones(2)}


@contextmanager
def small_files_only():
    """Writing fails beyond 10 kB, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_the_best_weights_of_another_run_are_not_taken_for_ones_own(tmp_path):
    Checkpoints(tmp_path, identity="theirs").save_best(WEIGHTS)

    with pytest.raises(ConfigurationError, match="other data, another encoder or other options"):
        Checkpoints(tmp_path, identity="mine").load_best()


def test_a_checkpoint_that_cannot_be_written_says_so_and_leaves_the_one_before(tmp_path):
    checkpoints = Checkpoints(tmp_path, identity="mine")
    checkpoints.save(WEIGHTS, {"step": 1})

    with small_files_only(), pytest.raises(OSError, match="cannot be written"):
        checkpoints.save({"weight": torch.ones(5_000)}, {"step": 2})

    saved = checkpoints.load()
    assert saved is not None
    assert 1 == saved.facts["step"]
    assert ["latest.safetensors"] == [path.name for path in tmp_path.iterdir()]
