"""From a torch network to a graph for ONNX Runtime, in float32."""

import copy
import io
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel

from textsieve.worker.errors import PredictorError
from textsieve.worker.inference.engines.onnx import INPUTS, OUTPUTS
from textsieve.worker.inference.graphs.operators import ATTENTION, DOMAIN, attend, plain_mask

OPSET = 17  # of the standard operators; the newest that torch's exporter by tracing writes


def export_graph(network: nn.Module) -> bytes:
    """Encoder and pooling, or a whole classifier, as one graph, dynamic in texts and width.

    Attention becomes one operator.

    Args:
        network: answers (input_ids, attention_mask) with (features, embeddings); on the CPU, in float32. It is
            copied, not changed.

    Raises:
        PredictorError: torch cannot export this network.
    """
    try:
        traced = _prepared(network)
        return _export(traced)
    except Exception as error:  # tracing runs foreign code, and raises whatever that does
        raise PredictorError(f"torch cannot export the network: {type(error).__name__}") from error


def _prepared(network: nn.Module) -> nn.Module:
    prepared = copy.deepcopy(network).eval()
    AttentionInterface.register(ATTENTION, attend)
    AttentionMaskInterface.register(ATTENTION, plain_mask)
    for module in prepared.modules():
        if isinstance(module, PreTrainedModel):
            module.set_attn_implementation(ATTENTION)
    return prepared


def _export(network: nn.Module) -> bytes:
    ids = torch.ones((2, 7), dtype=torch.int64)
    mask = torch.ones((2, 7), dtype=torch.int64)
    mask[1, 5:] = 0  # a mask of ones alone might be traced as no mask at all
    written = io.BytesIO()
    both = {0: "texts", 1: "width"}
    with warnings.catch_warnings(), _no_output():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network,
            (ids, mask),
            written,  # type: ignore[arg-type]  # the exporter by tracing takes a stream
            input_names=INPUTS,
            output_names=OUTPUTS,
            dynamic_axes={**dict.fromkeys(INPUTS, both), **{name: {0: "texts"} for name in OUTPUTS}},
            opset_version=OPSET,
            custom_opsets={DOMAIN: 1},
            dynamo=False,  # the exporter by torch.export needs five more packages, and its graph is slower
        )
    return written.getvalue()


@contextmanager
def _no_output() -> Iterator[None]:
    """Where it fails, torch prints the whole graph, past Python, to the standard output that `--json` needs."""
    kept = os.dup(1)
    try:
        with open(os.devnull, "wb") as nowhere:  # noqa: PTH123  # a descriptor is wanted, not a path
            os.dup2(nowhere.fileno(), 1)
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
