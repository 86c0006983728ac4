"""The int8 graph answers as the one in float32, and its sums never clip."""

import numpy as np
import onnx
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from onnx import TensorProto, helper, numpy_helper
from transformers import BertModel, DistilBertConfig, DistilBertModel, ModernBertConfig, ModernBertModel

from tests.tiny_models import SPECIALS, tiny_config
from tests.tiny_models import WORDS as KNOWN
from textsieve.worker.errors import PredictorError
from textsieve.worker.inference.engines.engine import TokenBatch
from textsieve.worker.inference.engines.onnx import OnnxEngine, open_session
from textsieve.worker.inference.graphs.export import export_graph
from textsieve.worker.inference.graphs.int8 import quantize_graph, ranges_of
from textsieve.worker.inference.graphs.int8_weights import LARGE_TABLE, LARGEST, rounded_weights
from textsieve.worker.inference.networks.heads import identity
from textsieve.worker.inference.networks.modules import EncoderNetwork

WORDS = len(SPECIALS) + len(KNOWN)
SMALL = {"num_hidden_layers": 2, "max_position_embeddings": 64}


def networks():
    torch.manual_seed(1)
    sizes = {"hidden_size": 32, "num_attention_heads": 2, "intermediate_size": 64, "vocab_size": WORDS, **SMALL}
    return {
        "BERT": BertModel(tiny_config(**SMALL)),
        "DistilBERT": DistilBertModel(
            DistilBertConfig(vocab_size=WORDS, dim=32, hidden_dim=64, n_layers=2, n_heads=2, max_position_embeddings=64)
        ),
        "ModernBERT": ModernBertModel(ModernBertConfig(**sizes, pad_token_id=0, cls_token_id=1, sep_token_id=2)),
    }


def tokens(*lengths, seed=1):
    ids = np.random.default_rng(seed).integers(3, WORDS, (len(lengths), max(lengths)))
    mask = (np.arange(max(lengths)) < np.asarray(lengths)[:, None]).astype(np.int64)
    return TokenBatch(ids * mask, mask)


def graph_of(encoder):
    network = EncoderNetwork(encoder, pooling="mean", head=torch.nn.Identity(), activation=identity)
    return export_graph(network.eval())


def engine(graph):
    return OnnxEngine(open_session(graph, threads=1))


def in_int8(graph, batches, *, sums_exactly=False):
    return quantize_graph(graph, ranges_of(graph, batches), sums_exactly=sums_exactly)


def nodes(graph, *kinds):
    return sum(node.op_type in kinds for node in onnx.load_from_string(graph).graph.node)


@pytest.mark.parametrize("sums_exactly", [True, False])
@pytest.mark.parametrize("kind", ["BERT", "DistilBERT", "ModernBERT"])
def test_embeddings_are_near_those_of_float32_for_texts_that_showed_no_range(kind, sums_exactly):
    exact = graph_of(networks()[kind])
    other = tokens(9, 3, 20, 14, seed=2)

    rough = in_int8(exact, [tokens(7, 30, 12), tokens(25, 4, seed=3)], sums_exactly=sums_exactly)

    # sums that clip are this processor's affair, so only the graph that never clips is run on every one
    if not sums_exactly:
        theirs, ours = (engine(graph).embed_and_classify(other).embeddings for graph in (exact, rough))
        assert (theirs * ours).sum(axis=1).mean() > 0.99
    assert 0 < nodes(rough, "MatMulIntegerToFloat") == nodes(exact, "MatMul") - nodes(rough, "MatMul")


def test_attention_reads_the_layers_and_they_read_it_without_a_detour():
    exact = graph_of(networks()["BERT"])

    rough = in_int8(exact, [tokens(7, 30, 12)], sums_exactly=False)

    assert 0 < nodes(exact, "Transpose")
    assert 0 == nodes(rough, "Transpose", "MatMul")
    assert 2 == nodes(rough, "MultiHeadAttention")


def test_neighbours_change_nothing():
    rough = engine(in_int8(graph_of(networks()["BERT"]), [tokens(7, 30, 12)], sums_exactly=False))
    together = tokens(6, 30, 11)
    alone = TokenBatch(together.input_ids[:1, :6], together.attention_mask[:1, :6])

    found = [rough.embed_and_classify(batch).embeddings[0] for batch in (alone, together)]

    assert pytest.approx(found[0], abs=1e-5) == found[1]


def plain(*made, outputs=("features", "embeddings"), constants):
    """A graph of a few nodes over the ids."""
    ids = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["texts", "width"])
        for name in ("input_ids", "attention_mask")
    ]
    out = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs]
    weights = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(list(made), "plain", ids, out, weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()


def test_a_large_table_takes_a_quarter_and_stays_near():
    rng = np.random.default_rng(1)
    table = rng.normal(size=(LARGE_TABLE, 16)).astype(np.float32) * rng.uniform(0.1, 9, (LARGE_TABLE, 1)).astype(
        np.float32
    )
    exact = plain(
        helper.make_node("Gather", ["table", "input_ids"], ["rows"]),
        helper.make_node("MatMul", ["rows", "weights"], ["features"]),
        helper.make_node("Identity", ["rows"], ["embeddings"]),
        constants={"table": table, "weights": np.eye(16, dtype=np.float32)},
    )
    batch = TokenBatch(np.asarray([[5, 4095, 17]]), np.ones((1, 3), np.int64))

    rough = in_int8(exact, [batch], sums_exactly=False)

    assert len(rough) < len(exact) / 3
    rows = engine(rough).embed_and_classify(batch).embeddings[0]
    wanted = table[[5, 4095, 17]]
    assert (np.abs(rows - wanted).max(axis=1) <= np.abs(wanted).max(axis=1) / LARGEST / 2 + 1e-6).all()


def test_a_graph_without_linear_layers_over_tokens_is_refused():
    only = plain(
        helper.make_node("Cast", ["input_ids"], ["features"], to=TensorProto.FLOAT),
        helper.make_node("Identity", ["features"], ["embeddings"]),
        constants={},
    )

    with pytest.raises(PredictorError, match="expected a graph with linear layers over tokens"):
        in_int8(only, [tokens(3)], sums_exactly=True)


weights = arrays(np.float32, st.tuples(st.integers(1, 9), st.integers(1, 4)), elements=st.floats(-100, 100, width=32))


@given(weights)
def test_two_neighbours_times_the_largest_byte_fit_into_sixteen_bits(values):
    rounded, step = rounded_weights(values, sums_exactly=False)

    even = len(values) // 2 * 2
    pairs = np.abs(rounded[0:even:2] + rounded[1:even:2]) * 255
    assert pairs.max(initial=0) <= np.iinfo(np.int16).max
    assert np.abs(rounded * step - values).max() <= step.max() * 0.51


@given(weights)
def test_where_sums_are_exact_the_largest_of_each_column_takes_all_bits(values):
    rounded, _ = rounded_weights(values, sums_exactly=True)

    assert all(np.abs(rounded[:, np.abs(values).max(axis=0) > 1e-3]).max(axis=0) == LARGEST)
