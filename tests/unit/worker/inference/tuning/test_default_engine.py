"""What serves before anything was tried: a graph that gives a few texts the reference's answers, never plain torch."""

import numpy as np
import pytest
from structlog.testing import capture_logs

from textsieve.worker.errors import PredictorError
from textsieve.worker.inference.building.calibration_texts import calibration_texts
from textsieve.worker.inference.building.model import as_set
from textsieve.worker.inference.cpu_info import Cpu
from textsieve.worker.inference.engines.report import REFERENCE, Candidate
from textsieve.worker.inference.model_folder.tokenizer import Tokens
from textsieve.worker.inference.predictor import ModelCard
from textsieve.worker.inference.tuning.default_engine import ONNX_FP32, ONNX_INT8, default_predictor, sample_texts
from textsieve.worker.records import Predictions

EXACT, CLIPPING = Cpu("x86_64/a/2", frozenset({"avx512_vnni"})), Cpu("x86_64/a/2", frozenset({"avx2"}))
BF16 = Candidate("torch", "bf16")


class Runner:
    """Calls every second text spam; `wrong` calls all of them ham."""

    report = None

    def __init__(self, *, wrong):
        self.wrong = wrong

    def predict(self, texts):
        spam = np.arange(len(texts)) % 2 * (0.0 if self.wrong else 0.9)
        ones = np.ones(len(texts), np.int64)
        embeddings = np.tile(np.asarray([1, 0], np.float32), (len(texts), 1))
        return Predictions(np.stack([1 - spam, spam], axis=1).astype(np.float32), embeddings, ones, ones == 0)


class FakeBuilder:
    card = ModelCard("m", "1", ("ham", "spam"), 2, 99, "f")

    def __init__(self, cpu, *, wrong=(), broken=()):
        self.cpu, self.wrong, self.broken = cpu, wrong, broken
        self.model = self.tokenizer = self
        self.made = []

    def tokenize(self, texts):
        ones = np.ones(len(texts), np.int64)
        return Tokens(list(ones[:, None]), ones, ones == 0)

    def predictor(self, candidate, *, max_batch_tokens):
        if candidate in self.broken:
            raise PredictorError("no such operator")
        self.made.append(candidate)
        return Runner(wrong=candidate in self.wrong)

    def report(self, candidate, max_batch_tokens):
        return as_set(candidate, max_batch_tokens)


@pytest.mark.parametrize(
    ("cpu", "wrong", "broken", "expected"),
    [
        (EXACT, (), (), ONNX_INT8),
        (CLIPPING, (), (), ONNX_FP32),
        (EXACT, (ONNX_INT8,), (), ONNX_FP32),
        (EXACT, (), (ONNX_INT8,), ONNX_FP32),
        (EXACT, (ONNX_INT8, ONNX_FP32), (), REFERENCE),
        (CLIPPING, (), (ONNX_FP32,), REFERENCE),
    ],
)
def test_it_is_the_first_that_agrees_in_the_order_of_the_processor(cpu, wrong, broken, expected):
    builder = FakeBuilder(cpu, wrong=wrong, broken=broken)

    report = default_predictor(builder, (REFERENCE, ONNX_INT8, BF16, ONNX_FP32), REFERENCE).report

    assert expected == Candidate(report.engine, report.precision)
    assert not report.settled


def test_a_graph_that_is_the_reference_itself_is_not_looked_at():
    builder = FakeBuilder(CLIPPING)

    default_predictor(builder, (ONNX_INT8, ONNX_FP32), ONNX_FP32)

    assert [ONNX_FP32] == builder.made


@pytest.mark.parametrize(("wrong", "expected"), [((), [REFERENCE, ONNX_FP32]), ((ONNX_FP32,), [REFERENCE, ONNX_FP32])])
def test_no_engine_is_made_twice_to_be_looked_at_and_to_serve(wrong, expected):
    builder = FakeBuilder(CLIPPING, wrong=wrong)

    default_predictor(builder, (ONNX_FP32, REFERENCE), REFERENCE)

    assert expected == builder.made


def test_one_that_does_not_run_is_told():
    with capture_logs() as lines:
        default_predictor(FakeBuilder(EXACT, broken=(ONNX_INT8,)), (ONNX_INT8, ONNX_FP32), ONNX_FP32)

    assert ["onnx int8"] == [line["engine"] for line in lines]


def test_what_the_settings_leave_is_taken():
    assert "int8" == default_predictor(FakeBuilder(CLIPPING), (ONNX_INT8,), REFERENCE).report.precision


def test_a_quick_look_has_few_texts_and_long_ones_among_them():
    texts = sample_texts(calibration_texts())

    assert 10 <= len(texts) <= 24
    assert max(map(len, texts)) > 1000
