"""A tiny random encoder on disk and a file of texts that it can tell apart."""

import json
from pathlib import Path

import pytest
import torch
from threadpoolctl import threadpool_limits
from typer.testing import CliRunner

from tests.tiny_models import save_model, tiny_config
from textsieve.trainer.__main__ import app
from textsieve.worker.inference.tuning import autotune

SPAM, HAM, SHARED = ("free", "prize", "win", "cash"), ("see", "home", "dinner", "late"), ("call", "now", "you", "at")
WINDOW = 16
DIM = 16


@pytest.fixture(autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with threadpool_limits(1):  # on a busy machine the threads of the regressions would wait for each other
        yield
    torch.set_num_threads(threads)


@pytest.fixture(autouse=True)
def _brief_trials(monkeypatch):
    """Engines of tiny models are about as fast as each other: no turns until one of them is told apart."""
    monkeypatch.setattr(autotune, "LEAST_SECONDS", 0.0)
    monkeypatch.setattr(autotune, "LAPS", 0.0)


@pytest.fixture
def encoder_folder(tmp_path) -> Path:
    config = tiny_config(
        hidden_size=DIM,
        num_hidden_layers=1,
        intermediate_size=32,
        max_position_embeddings=WINDOW,
        initializer_range=0.1,
    )
    return save_model(tmp_path / "tiny-encoder", config)


@pytest.fixture
def run_trainer():
    """`python -m trainer` in this process."""

    def run(*arguments: object):
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    return run


def rows():
    """Thirty-two texts of each label, told apart by one word of two."""
    for label, words in (("spam", SPAM), ("ham", HAM)):
        for first in words:
            for second in words[:2]:
                for third in SHARED:
                    yield {"text": f"{first} {second} {third}", "label": label}


def write_rows(path: Path, content) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in content), encoding="utf-8")
    return path


def in_wide_letters(content):
    """The same rows, the last word in the full-width letters that a worker undoes."""
    wide = str.maketrans({chr(letter): chr(letter + 0xFEE0) for letter in range(ord("a"), ord("z") + 1)})
    for row in content:
        begin, _, last = row["text"].rpartition(" ")
        yield {**row, "text": f"{begin} {last.translate(wide)}"}


@pytest.fixture
def texts(tmp_path) -> Path:
    return write_rows(tmp_path / "texts.jsonl", rows())


@pytest.fixture
def two_labels(tmp_path) -> Path:
    """The same texts, labelled by two independent questions."""
    several = [
        {"text": row["text"], "label": [row["label"]] + (["urgent"] if "now" in row["text"] else [])} for row in rows()
    ]
    return write_rows(tmp_path / "several.jsonl", several)
