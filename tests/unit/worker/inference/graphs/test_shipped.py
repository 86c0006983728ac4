"""The graphs that are shipped are those that torch exports today, and answer as torch does."""

import numpy as np
import pytest
import torch

from textsieve.worker.inference.building.calibration_texts import calibration_texts
from textsieve.worker.inference.building.model import graph_key, ranging_batches
from textsieve.worker.inference.building.torch_builder import build_network
from textsieve.worker.inference.engines.engine import TokenBatch
from textsieve.worker.inference.engines.onnx import OnnxEngine, open_session
from textsieve.worker.inference.engines.report import ONNX_FP32
from textsieve.worker.inference.engines.torch import TorchEngine
from textsieve.worker.inference.graphs.export import export_graph
from textsieve.worker.inference.graphs.external_weights import (
    GraphWithoutWeights,
    initializer_values,
    with_weights,
    without_weights,
)
from textsieve.worker.inference.graphs.int8 import quantize_graph, ranges_of
from textsieve.worker.inference.graphs.shipped import FOLDER, ship, ship_ranges, shipped_graph, shipped_ranges
from textsieve.worker.inference.model_folder.model_files import read_weights
from textsieve.worker.inference.ship_graphs import MULTILINGUAL_NAME, NAME, default_model, multilingual_model

TEXTS = calibration_texts()[::20]


@pytest.fixture(scope="module")
def model():
    return default_model()


@pytest.fixture(scope="module")
def network(model):
    return build_network(model, threads=1)


@pytest.fixture(scope="module")
def tensors(model):
    return read_weights(model.files.path)


@pytest.fixture(scope="module")
def exported(network):
    return export_graph(network)


@pytest.fixture
def shipped(model):
    found = shipped_graph(graph_key(model, ONNX_FP32))
    assert found
    return found


def batch(model) -> TokenBatch:
    tokens = model.tokenizer.tokenize(TEXTS)
    return model.tokenizer.pad(tokens, np.arange(len(tokens.lengths)))


def test_a_shipped_graph_is_what_is_exported_today(shipped, exported, tensors):
    assert without_weights(exported, tensors) == shipped


def test_a_shipped_graph_answers_as_the_exported_one_bit_for_bit(model, shipped, exported, tensors):
    ours = OnnxEngine(open_session(shipped.graph, threads=1, weights=initializer_values(shipped.initializers, tensors)))
    theirs = OnnxEngine(open_session(exported, threads=1))

    mine, other = (engine.embed_and_classify(batch(model)) for engine in (ours, theirs))

    assert other.embeddings.tobytes() == mine.embeddings.tobytes()
    assert other.features.tobytes() == mine.features.tobytes()


def test_the_shipped_graph_answers_as_torch(model, network, tensors, shipped):
    session = open_session(shipped.graph, threads=1, weights=initializer_values(shipped.initializers, tensors))
    by_torch = TorchEngine(network, device=torch.device("cpu")).embed_and_classify(batch(model))

    answers = OnnxEngine(session).embed_and_classify(batch(model))

    assert pytest.approx(by_torch.embeddings, abs=1e-6) == answers.embeddings
    said, by_torch_said = (model.head.probabilities(one.features) for one in (answers, by_torch))
    assert pytest.approx(by_torch_said, abs=1e-5) == said


def test_all_that_is_shipped_is_found_and_nothing_else_lies_there(model):
    models = {NAME: model, MULTILINGUAL_NAME: multilingual_model()}
    wanted = {
        f"{name}.{graph_key(one, ONNX_FP32)}.{kind}" for name, one in models.items() for kind in ("graph", "ranges")
    }

    assert wanted == {path.name for path in FOLDER.iterdir() if path.suffix in (".graph", ".ranges")}


def test_a_graph_with_its_weights_put_back_answers_as_the_exported_one(model, shipped, exported, tensors):
    ours, theirs = (OnnxEngine(open_session(graph, threads=1)) for graph in (with_weights(shipped, tensors), exported))

    mine, other = (engine.embed_and_classify(batch(model)) for engine in (ours, theirs))

    assert other.embeddings.tobytes() == mine.embeddings.tobytes()


def test_shipped_ranges_are_those_that_the_texts_show_today(model, exported):
    kept, found = shipped_ranges(graph_key(model, ONNX_FP32)), ranges_of(exported, ranging_batches(model))

    assert kept.keys() == found.keys()
    for name, one in found.items():
        width = float((one.high - one.low).max())
        assert np.abs(kept[name].high - one.high).max() <= width / 500
        assert np.abs(kept[name].low - one.low).max() <= width / 500


def test_what_is_shipped_of_the_multilingual_encoder_answers_as_torch():
    model = multilingual_model()
    tensors, key = read_weights(model.files.path), graph_key(model, ONNX_FP32)
    torch_engine = TorchEngine(build_network(model, threads=1), device=torch.device("cpu"))
    by_torch = torch_engine.embed_and_classify(batch(model)).embeddings
    exact = with_weights(shipped_graph(key), tensors)
    graphs = {"fp32": exact, "int8": quantize_graph(exact, shipped_ranges(key), sums_exactly=False)}

    cosines = {
        name: (OnnxEngine(open_session(graph, threads=1)).embed_and_classify(batch(model)).embeddings * by_torch).sum(
            axis=1
        )
        for name, graph in graphs.items()
    }

    assert cosines["fp32"].min() > 0.99999
    assert cosines["int8"].mean() > 0.99


def test_a_graph_of_another_network_is_not_found(tmp_path):
    ship(GraphWithoutWeights(b"graph", ()), name="model", key="int8-127-abc", folder=tmp_path)

    assert GraphWithoutWeights(b"graph", ()) == shipped_graph("int8-127-abc", folder=tmp_path)
    assert shipped_graph("int8-127-abd", folder=tmp_path) is None


@pytest.mark.parametrize("damage", [b"", b"no gzip"])
def test_a_damaged_one_counts_as_absent(tmp_path, damage):
    ship(GraphWithoutWeights(b"graph", ()), name="model", key="key", folder=tmp_path).write_bytes(damage)
    ship_ranges({}, name="model", key="key", folder=tmp_path).write_bytes(damage)

    assert shipped_graph("key", folder=tmp_path) is None
    assert shipped_ranges("key", folder=tmp_path) is None


def test_weights_of_another_model_are_not_taken_out(network, tensors):
    graph = export_graph(network)
    others = {name: tensor + 1 for name, tensor in tensors.items()}

    with pytest.raises(ValueError, match="expected a weight of the model"):
        without_weights(graph, others)
