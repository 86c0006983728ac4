"""Candidates take turns until it is known which one to take, and never is nothing kept."""

import itertools

import numpy as np
import pytest
from structlog.testing import capture_logs

from tests.letters import Letters
from textsieve.worker.errors import ConfigurationError, PredictorError
from textsieve.worker.inference.engines.engine import Answers
from textsieve.worker.inference.engines.report import DEFAULT_BATCH_TOKENS, REFERENCE, Candidate
from textsieve.worker.inference.prediction.transformer import TransformerPredictor
from textsieve.worker.inference.predictor import ModelCard
from textsieve.worker.inference.tuning.autotune import (
    LEAST_LAP_ROUNDS,
    LEAST_SECONDS,
    MOST_LAP_SECONDS,
    MOST_SECONDS,
    WARM_UP,
    Autotuner,
    autotune,
)
from textsieve.worker.inference.tuning.comparison import BUDGETS
from textsieve.worker.inference.tuning.slices import SLICES
from textsieve.worker.testing import ManualClock

INT8, BF16, ONNX = Candidate("onnx", "int8"), Candidate("torch", "bf16"), Candidate("onnx", "fp32")
TEXTS = [*("a", "bb c", "ddd", "e f g h") * 8, "long " * 200, " "]
CARD = ModelCard("m", "1", ("ham", "spam"), 2, 99, "f")


class Paid:
    """An engine that takes so long for a text, by a clock of ours; odd lengths are spam."""

    def __init__(self, clock, seconds, *, wrong=False, lean=0.0, noise=(1.0,)):
        self.clock, self.seconds, self.wrong, self.lean = clock, seconds, wrong, lean
        self.noise = itertools.cycle(noise)
        self.texts = 0

    def embed_and_classify(self, batch):
        rows = len(batch.input_ids)
        self.texts += rows
        self.clock.advance(self.seconds * rows * next(self.noise))
        odd = batch.attention_mask.sum(axis=1) % 2 == 1
        spam = np.where(odd != self.wrong, 0.9, 0.1).astype(np.float32)
        embedding = np.asarray([np.cos(self.lean), np.sin(self.lean)], np.float32)
        return Answers(np.stack([1 - spam, spam], axis=1), np.tile(embedding, (rows, 1)))


@pytest.fixture
def clock():
    return ManualClock()


def trials(clock, *possible, **engines):
    """Autotuner over engines by name; one that is an error is raised."""
    known = {name.replace("_", " "): engine for name, engine in engines.items()}

    def make(candidate):
        engine = known[candidate.name]
        if isinstance(engine, Exception):
            raise engine
        return TransformerPredictor(CARD, tokenizer=Letters(), engine=engine, max_batch_tokens=DEFAULT_BATCH_TOKENS)

    return Autotuner(possible, make, texts=TEXTS, card=CARD, threads=2, clock=clock)


def run(clock, *possible, **engines):
    return autotune(trials(clock, *possible, **engines))


def test_the_fastest_that_agrees_is_reported_with_every_trial(clock):
    report = run(
        clock, REFERENCE, INT8, ONNX,
        torch_fp32=Paid(clock, 0.010), onnx_int8=Paid(clock, 0.005), onnx_fp32=Paid(clock, 0.008),
    )  # fmt: skip

    assert ("onnx", "int8", True, 2) == (report.engine, report.precision, report.settled, report.threads)
    assert [100.0, 200.0, 125.0] == [trial.messages_per_second for trial in report.trials]
    assert all(trial.labels_tell for trial in report.trials)
    assert report.max_batch_tokens in BUDGETS


@pytest.mark.parametrize("fault", [{"wrong": True}, {"lean": 0.5}])
def test_one_whose_labels_or_embeddings_differ_is_refused(clock, fault):
    report = run(clock, REFERENCE, INT8, torch_fp32=Paid(clock, 0.010), onnx_int8=Paid(clock, 0.001, **fault))

    assert "torch" == report.engine
    assert "onnx int8 refused" in report.why


def test_noise_is_outlasted(clock):
    """The better one is five per cent faster, and a round of either may take twice as long."""
    rough = (1.0, 1.0, 2.0, 1.0, 1.1, 1.0, 1.9)
    report = run(
        clock, REFERENCE, INT8,
        torch_fp32=Paid(clock, 0.1, noise=rough), onnx_int8=Paid(clock, 0.095, noise=rough[::-1]),
    )  # fmt: skip

    assert "int8" == report.precision


def test_what_cannot_be_told_ends_in_time_with_the_best_so_far(clock):
    wild = (0.5, 1.5)
    started = clock()

    report = run(
        clock, REFERENCE, INT8,
        torch_fp32=Paid(clock, 0.01, noise=wild), onnx_int8=Paid(clock, 0.01, noise=wild[::-1]),
    )  # fmt: skip

    assert report.settled
    assert LEAST_SECONDS <= clock() - started <= 2 * LEAST_SECONDS


def test_the_patience_grows_with_the_model_up_to_a_bound(clock):
    report = run(
        clock, REFERENCE, INT8,
        torch_fp32=Paid(clock, 1.0, noise=(0.5, 1.5)), onnx_int8=Paid(clock, 1.0, noise=(1.5, 0.5)),
    )  # fmt: skip

    assert report.settled
    assert LEAST_SECONDS < report.seconds
    assert report.trials[0].fault == ""
    assert report.seconds < 4 * MOST_SECONDS


@pytest.mark.parametrize("seconds", [0.03, 0.3, 3.0, 30.0])
def test_a_large_model_ends_in_its_time_with_the_best_so_far(clock, seconds):
    """From a multilingual encoder on one core to what no machine should serve; noise hides which one is faster."""
    report = run(
        clock, REFERENCE, INT8,
        torch_fp32=Paid(clock, seconds, noise=(0.9, 1.1)), onnx_int8=Paid(clock, seconds * 0.98, noise=(1.1, 0.9)),
    )  # fmt: skip

    a_round = 2 * 1.1 * seconds * len(TEXTS) / SLICES
    warm_up_and_untimed = 2 * 1.1 * seconds * (WARM_UP + 2)
    budgets = MOST_SECONDS / 2 + 1.1 * seconds * len(TEXTS) / 2 * len(BUDGETS)
    lap = max(MOST_LAP_SECONDS, LEAST_LAP_ROUNDS * a_round) + a_round
    assert report.settled
    assert report.seconds <= warm_up_and_untimed + lap + MOST_SECONDS + a_round + budgets


def test_a_choice_is_there_after_the_first_lap_whenever_it_is_asked_for(clock):
    steps = list(trials(clock, REFERENCE, INT8, torch_fp32=Paid(clock, 0.010), onnx_int8=Paid(clock, 0.005)).steps())

    lap = 2 + 2 * SLICES + 2  # made, all slices, and the long texts
    assert [None] * lap == steps[:lap]
    assert {("int8", False)} == {(report.precision, report.settled) for report in steps[lap:-1]}
    assert steps[-1].settled


def test_no_step_takes_longer_than_a_slice_of_the_slowest(clock):
    slow = 0.010
    longest, before = 0.0, clock()
    made = trials(clock, REFERENCE, INT8, torch_fp32=Paid(clock, slow), onnx_int8=Paid(clock, 0.005))

    for _ in made.steps():
        longest, before = max(longest, clock() - before), clock()

    assert longest <= slow * len(TEXTS) / 2


def test_time_between_steps_does_not_count(clock):
    made = trials(clock, REFERENCE, INT8, torch_fp32=Paid(clock, 0.010), onnx_int8=Paid(clock, 0.005))

    reports = []
    for report in made.steps():
        clock.advance(100)
        reports.append(report)

    assert reports[-1].seconds < 10


def test_one_that_is_absurdly_slow_is_not_run_to_the_end(clock):
    emulated = Paid(clock, 1.0)

    report = run(clock, REFERENCE, BF16, torch_fp32=Paid(clock, 0.010), torch_bf16=emulated)

    assert emulated.texts < len(TEXTS)
    assert "not tried further: 100 times slower than torch fp32" == report.trials[1].fault


def test_one_that_is_far_slower_answers_one_lap_only(clock):
    slow = Paid(clock, 0.03)

    run(clock, REFERENCE, INT8, torch_fp32=slow, onnx_int8=Paid(clock, 0.01, noise=(0.5, 1.5, 1.0)))

    assert slow.texts <= len(TEXTS) + 8


def test_one_that_cannot_be_made_is_told_and_left_out(clock):
    with capture_logs() as lines:
        report = run(clock, REFERENCE, INT8, torch_fp32=Paid(clock, 0.010), onnx_int8=PredictorError("no operator"))

    assert "torch" == report.engine
    assert "no operator" == report.trials[1].fault
    assert ["onnx int8"] == [line["engine"] for line in lines]


def test_one_that_was_asked_for_and_cannot_run_is_a_configuration_error(clock):
    with pytest.raises(ConfigurationError, match=r"model\.engine, model\.precision: onnx int8 cannot run: broken"):
        run(clock, INT8, torch_fp32=Paid(clock, 0.010), onnx_int8=PredictorError("broken"))


def test_one_that_was_asked_for_and_differs_is_taken_with_a_warning(clock):
    with capture_logs() as lines:
        report = run(clock, INT8, torch_fp32=Paid(clock, 0.010), onnx_int8=Paid(clock, 0.001, lean=0.5))

    assert "int8" == report.precision
    assert ["warning"] == [line["log_level"] for line in lines]


def test_a_network_that_does_not_run_at_all_is_no_choice(clock):
    with pytest.raises(PredictorError, match="broken"):
        run(clock, REFERENCE, INT8, torch_fp32=PredictorError("broken"), onnx_int8=Paid(clock, 0.001))
