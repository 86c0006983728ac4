"""What every engine owes to the predictor, whatever runs the network."""

import numpy as np
import pytest

from textsieve.worker.errors import DeviceOutOfMemory, PredictorError
from textsieve.worker.inference.engines.engine import TokenBatch
from textsieve.worker.inference.engines.onnx import OnnxEngine
from textsieve.worker.inference.engines.torch import TorchEngine
from textsieve.worker.inference.loading import load_predictor

WINDOW = 24
ENGINES = {
    "torch fp32": {"engine": "torch", "precision": "fp32"},
    "torch bf16": {"engine": "torch", "precision": "bf16"},
    "onnx fp32": {"engine": "onnx", "precision": "fp32"},
    "onnx int8": {"engine": "onnx", "precision": "int8"},
}
KINDS = ("bundle_folder", "classifier_folder", "encoder_folder")
LABELS = {"ham": ("dinner at home", "see you"), "spam": ("free prize",), "other": ("late bus",)}
NOISE = {"torch bf16": 0.03, "onnx int8": 1e-4}  # what widths of a batch may change; else float32's own 1e-5


@pytest.fixture(params=ENGINES)
def way(request):
    return request.param


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture
def predictor(request, settings_for, way, kind):
    labels = {"labels": LABELS} if kind == "encoder_folder" else {}
    return load_predictor(settings_for(request.getfixturevalue(kind), **ENGINES[way], **labels))


@pytest.fixture
def engine(predictor):
    return predictor._engine


@pytest.fixture
def exact(request, settings_for, kind):
    labels = {"labels": LABELS} if kind == "encoder_folder" else {}
    return load_predictor(settings_for(request.getfixturevalue(kind), **labels))._engine


def batch(*lengths, width=None):
    rng = np.random.default_rng(3)
    width = width or max(lengths)
    ids = np.zeros((len(lengths), width), np.int64)
    for row, length in enumerate(lengths):
        words = np.random.default_rng(length).integers(5, 19, length)
        ids[row, :length] = [2, *words[1:-1], 3] if length > 1 else [2]
        ids[row, length:] = 0 if row % 2 else rng.integers(5, 19)  # whatever stands under the mask
    return TokenBatch(ids, (np.arange(width) < np.asarray(lengths)[:, None]).astype(np.int64))


def test_answers_are_float32_features_for_the_head_and_embeddings_of_length_one(engine, kind):
    answers = engine.embed_and_classify(batch(3, 9, 5))

    assert ((3, 3 if kind == "classifier_folder" else 32), (3, 32)) == (
        answers.features.shape,
        answers.embeddings.shape,
    )
    assert {np.dtype(np.float32)} == {answers.features.dtype, answers.embeddings.dtype}
    assert pytest.approx(np.ones(3), abs=1e-5) == np.linalg.norm(answers.embeddings, axis=1)


def test_answers_are_near_those_of_float32(engine, exact):
    tokens = batch(4, 12, 7, WINDOW)

    cosines = (engine.embed_and_classify(tokens).embeddings * exact.embed_and_classify(tokens).embeddings).sum(axis=1)

    assert (cosines > 0.98).all()


def test_padding_changes_nothing(predictor, engine, way):
    tight, loose = (engine.embed_and_classify(batch(5, 3, width=width)) for width in (5, 17))

    assert pytest.approx(tight.embeddings, abs=NOISE.get(way, 1e-5)) == loose.embeddings
    tight_said, loose_said = (predictor._head.probabilities(answers.features) for answers in (tight, loose))
    assert pytest.approx(tight_said, abs=NOISE.get(way, 1e-5)) == loose_said


def test_neighbours_change_nothing(engine, way):
    alone = engine.embed_and_classify(batch(6)).embeddings[0]

    beside = engine.embed_and_classify(batch(WINDOW, 2, 6)).embeddings[2]

    assert pytest.approx(alone, abs=NOISE.get(way, 1e-5)) == beside


def test_rows_keep_their_order(engine, way):
    tokens = batch(8, 3, 5)
    turned = TokenBatch(tokens.input_ids[::-1].copy(), tokens.attention_mask[::-1].copy())

    forth, back = engine.embed_and_classify(tokens).embeddings, engine.embed_and_classify(turned).embeddings

    assert pytest.approx(forth, abs=NOISE.get(way, 1e-5)) == back[::-1]


@pytest.mark.parametrize("lengths", [(1,), (2,), (WINDOW,), (WINDOW,) * 40, (1, WINDOW)])
def test_the_shortest_the_widest_and_many_are_answered(engine, lengths):
    answers = engine.embed_and_classify(batch(*lengths))

    assert len(lengths) == len(answers.embeddings)
    assert np.isfinite(answers.embeddings).all()


class FailingSession:
    def __init__(self, error):
        self.error = error

    def run(self, *_):
        raise self.error


def failing(way, error):
    if way.startswith("onnx"):
        return OnnxEngine(FailingSession(error))
    engine = TorchEngine.__new__(TorchEngine)
    engine._device = __import__("torch").device("cpu")
    engine._network = FailingSession(error).run
    return engine


FULL = {
    "torch": "[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9",
    "onnx": "[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : Failed to allocate memory for requested buffer of size 9",
}


@pytest.mark.parametrize("error", [RuntimeError, MemoryError])
def test_a_full_device_says_which_setting_to_lower(way, error):
    with pytest.raises(DeviceOutOfMemory, match=r"2 texts of up to 5 tokens; lower model\.max_batch_tokens"):
        failing(way, error(FULL[way.split()[0]])).embed_and_classify(batch(5, 3))


def test_any_other_failure_is_a_predictor_error_without_its_words(way):
    planted = RuntimeError("my secret")

    with pytest.raises(PredictorError) as caught:
        failing(way, planted).embed_and_classify(batch(5, 3))

    assert not isinstance(caught.value, DeviceOutOfMemory)
    assert "secret" not in str(caught.value)
    assert planted is caught.value.__cause__
