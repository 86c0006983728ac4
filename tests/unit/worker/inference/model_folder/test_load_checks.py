"""What no file of a folder says is tried."""

from pathlib import Path

import numpy as np
import pytest

from textsieve.worker.errors import ConfigurationError, PredictorError
from textsieve.worker.inference.engines.engine import Answers
from textsieve.worker.inference.model_folder.folder import ReadOptions
from textsieve.worker.inference.model_folder.load_checks import reads_padding, require_window
from textsieve.worker.inference.model_folder.reading import read_encoder_folder

FOLDER = Path("model")


class Engine:
    """Sums token ids; `reads` says what else it looks at."""

    def __init__(self, reads="nothing", positions=1000):
        self.reads = reads
        self.positions = positions
        self.calls = 0

    def embed_and_classify(self, batch):
        self.calls += 1
        if batch.input_ids.shape[1] > self.positions:
            raise PredictorError("index out of range")
        sums = (batch.input_ids * batch.attention_mask).sum(axis=1, keepdims=True).astype(np.float32)
        width, rows = batch.input_ids.shape[1], len(batch.input_ids)
        more = {"padding": width, "neighbours": rows, "the clock": self.calls}.get(self.reads, 0)
        return Answers(features=sums + more, embeddings=sums)


@pytest.fixture
def tokenizer(encoder_folder):
    return read_encoder_folder(encoder_folder, ReadOptions()).tokenizer


@pytest.mark.parametrize(("reads", "expected"), [("nothing", False), ("padding", True)])
def test_a_network_that_reads_padding_is_found(tokenizer, reads, expected):
    assert expected == reads_padding(Engine(reads), tokenizer, folder=FOLDER)


@pytest.mark.parametrize("reads", ["neighbours", "the clock"])
def test_answers_that_depend_on_the_batch_or_on_chance_are_refused(tokenizer, reads):
    with pytest.raises(ConfigurationError, match="answers change with the batch, or from call to call"):
        reads_padding(Engine(reads), tokenizer, folder=FOLDER)


@pytest.mark.parametrize("positions", [24, 1000])
def test_a_window_that_the_network_has_positions_for_is_fine(tokenizer, positions):
    require_window(Engine(positions=positions), tokenizer, folder=FOLDER)


@pytest.mark.parametrize("positions", [20, 22, 23])
def test_a_window_beyond_the_positions_names_the_one_that_fits(tokenizer, positions):
    with pytest.raises(ConfigurationError, match=f"set model.max_tokens to {positions}"):
        require_window(Engine(positions=positions), tokenizer, folder=FOLDER)
