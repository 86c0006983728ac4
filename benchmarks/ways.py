"""Every way to run the network that we use or tried."""

import copy
import functools
import io
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch._inductor import config as inductor
from torch.autograd import Function

from textsieve.worker.inference.building import in_bf16
from textsieve.worker.inference.engines.engine import Answers, Engine, TokenBatch
from textsieve.worker.inference.engines.export import export_graph
from textsieve.worker.inference.engines.int8 import quantized, ranges_of
from textsieve.worker.inference.engines.onnx import INPUTS, OUTPUTS, OnnxEngine, open_session
from textsieve.worker.inference.engines.operators import DOMAIN
from textsieve.worker.inference.engines.torch import TorchEngine

CPU = torch.device("cpu")


def ways(network: nn.Module, batches: Sequence[TokenBatch]) -> dict[str, Callable[[], Engine]]:
    """How to make the engine of each way; those that the worker does not take are called `tried: ...`.

    Args:
        network: in float32.
        batches: of texts that show which values come into its layers.
    """
    exported = export_graph

    def in_int8(*, sums_exactly: bool) -> OnnxEngine:
        graph = export_graph(network)
        return OnnxEngine(
            open_session(quantized(graph, ranges_of(graph, batches), sums_exactly=sums_exactly), threads=1)
        )

    return {
        "torch fp32": lambda: TorchEngine(network, device=CPU),
        "torch bf16": lambda: TorchEngine(in_bf16(network), device=CPU),
        "onnx fp32": lambda: OnnxEngine(open_session(exported(network), threads=1)),
        "onnx int8": lambda: in_int8(sums_exactly=True),
        "onnx int8, for sums in 16 bits": lambda: in_int8(sums_exactly=False),
        "tried: onnx fp32 without the fused attention": lambda: OnnxEngine(open_session(_plain(network), threads=1)),
        "tried: onnx int8, a scale for the batch": lambda: OnnxEngine(
            open_session(exported(_swapped(network, _BatchLinear8)), threads=1)
        ),
        "tried: onnx int8, rows around zero": lambda: OnnxEngine(
            open_session(exported(_swapped(network, _SymmetricLinear8)), threads=1)
        ),
        "tried: onnx int8, blocks of 64": lambda: OnnxEngine(
            open_session(exported(_swapped(network, _BlockLinear8)), threads=1)
        ),
        "tried: onnx quantize_dynamic, scales by tensor": functools.partial(_library, network, per_channel=False),
        "tried: onnx quantize_dynamic, scales by channel": functools.partial(_library, network, per_channel=True),
        "tried: torch dynamic int8": lambda: TorchEngine(_torch_int8(network), device=CPU),
        "tried: torch inductor fp32": lambda: _compiled(network),
        "tried: torch inductor bf16": lambda: _compiled(in_bf16(network)),
        "tried: openvino fp32": functools.partial(_openvino, network, "f32"),
        "tried: openvino bf16": functools.partial(_openvino, network, "bf16"),
    }


class _ScaledByBatch(Function):
    """A linear layer as DynamicQuantizeMatMul: weights scaled by columns, inputs by the whole batch."""

    @staticmethod
    def forward(_ctx: Any, x: torch.Tensor, weight: torch.Tensor, _scale: torch.Tensor) -> torch.Tensor:
        return x @ weight.float()

    @staticmethod
    def symbolic(g: Any, x: Any, weight: Any, scale: Any) -> Any:
        node = g.op(f"{DOMAIN}::DynamicQuantizeMatMul", x, weight, scale)
        return node.setType(x.type())


class _BatchLinear8(nn.Module):
    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        weight = linear.weight.detach()
        scale = (weight.abs().amax(dim=1) / 127).clamp(min=1e-12)
        self.weight = nn.Parameter(torch.round(weight / scale[:, None]).to(torch.int8).T.contiguous(), False)
        self.scale, self.bias = nn.Parameter(scale, False), linear.bias

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return _ScaledByBatch.apply(x, self.weight, self.scale) + self.bias


class _AroundZero(_ScaledByBatch):
    """A linear layer in int8 with a scale for each row, the same zero point for all: nothing to correct afterwards."""

    @staticmethod
    def symbolic(g: Any, x: Any, weight: Any, scale: Any) -> Any:
        def constant(value: Any, dtype: torch.dtype = torch.float32) -> Any:
            return g.op("Constant", value_t=torch.tensor(value, dtype=dtype))

        width, out = weight.type().sizes()
        rows = g.op("Reshape", x, constant([-1, width], torch.int64))
        high, low = (g.op(name, rows, axes_i=[-1], keepdims_i=1) for name in ("ReduceMax", "ReduceMin"))
        step = g.op("Max", g.op("Mul", g.op("Max", high, g.op("Neg", low)), constant(1 / 127)), constant(1e-12))
        flat = g.op("Reshape", step, constant([-1], torch.int64))
        middle = constant(128, torch.uint8)
        bytes_ = g.op("QuantizeLinear", rows, flat, g.op("Expand", middle, g.op("Shape", flat)), axis_i=0)
        product = g.op(f"{DOMAIN}::MatMulIntegerToFloat", bytes_, weight, constant(1.0), scale, middle)
        whole, ends = g.op("Shape", x), [constant([at], torch.int64) for at in (0, -1)]
        shape = g.op("Concat", g.op("Slice", whole, *ends), constant([out], torch.int64), axis_i=0)
        node = g.op("Reshape", g.op("Mul", product, step), shape)
        return node.setType(x.type().with_sizes([*[None] * (x.type().dim() - 1), out]))


class _SymmetricLinear8(_BatchLinear8):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return _AroundZero.apply(x, self.weight, self.scale) + self.bias


class _InBlocks(Function):
    """A linear layer as MatMulNBits: both sides scaled by blocks of 64, computed in int8."""

    @staticmethod
    def forward(_ctx: Any, x: torch.Tensor, packed: torch.Tensor, _scale: torch.Tensor, bias: torch.Tensor) -> Any:
        return x @ packed.flatten(1).T.float() + bias

    @staticmethod
    def symbolic(g: Any, x: Any, packed: Any, scale: Any, bias: Any) -> Any:
        out, blocks, size = packed.type().sizes()
        absent = g.op("prim::Constant")
        absent.setType(torch._C.OptionalType.ofTensor())
        options = {"K_i": blocks * size, "N_i": out, "bits_i": 8, "block_size_i": size, "accuracy_level_i": 4}
        return g.op(f"{DOMAIN}::MatMulNBits", x, packed, scale, absent, absent, bias, **options).setType(x.type())


class _BlockLinear8(nn.Module):
    def __init__(self, linear: nn.Linear, size: int = 64) -> None:
        super().__init__()
        blocks = linear.weight.detach().reshape(linear.out_features, -1, size)
        scale = (blocks.abs().amax(dim=2) / 127).clamp(min=1e-12)
        packed = (torch.round(blocks / scale[:, :, None]) + 128).to(torch.uint8)
        self.packed, self.scale = nn.Parameter(packed, False), nn.Parameter(scale.flatten(), False)
        self.bias = linear.bias

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return _InBlocks.apply(x, self.packed, self.scale, self.bias)


def _swapped(network: nn.Module, kind: Callable[[nn.Linear], nn.Module]) -> nn.Module:
    changed = copy.deepcopy(network)
    for module in list(changed.encoder.modules()):
        for name, child in list(module.named_children()):
            if type(child) is nn.Linear:
                setattr(module, name, kind(child))
    return changed


def _plain(network: nn.Module) -> bytes:
    """As torch exports it, attention in its parts."""
    ids = torch.ones((2, 7), dtype=torch.int64)
    written = io.BytesIO()
    both = {0: "texts", 1: "width"}
    axes = {**dict.fromkeys(INPUTS, both), **{name: {0: "texts"} for name in OUTPUTS}}
    torch.onnx.export(
        network, (ids, ids), written, input_names=INPUTS, output_names=OUTPUTS, dynamic_axes=axes, opset_version=17,
        dynamo=False,
    )  # fmt: skip
    return written.getvalue()


def _library(network: nn.Module, *, per_channel: bool) -> Engine:
    from onnxruntime.quantization import QuantType, quantize_dynamic  # noqa: PLC0415  # only for what we do not use

    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "fp32.onnx", Path(folder) / "int8.onnx"
        source.write_bytes(_plain(network))
        quantize_dynamic(
            source, target, per_channel=per_channel, weight_type=QuantType.QInt8, op_types_to_quantize=["MatMul"]
        )
        return OnnxEngine(open_session(target.read_bytes(), threads=1))


def _torch_int8(network: nn.Module) -> nn.Module:
    return torch.ao.quantization.quantize_dynamic(copy.deepcopy(network), {nn.Linear}, dtype=torch.qint8)


def _compiled(network: nn.Module) -> Engine:
    """Compiled at the first batch, with the weights packed; needs a C++ compiler, and half a minute."""
    with inductor.patch({"freezing": True, "cpp.threads": 1}):
        compiled = TorchEngine(torch.compile(copy.deepcopy(network), dynamic=True), device=CPU)
        for rows, width in ((4, 16), (8, 24)):
            ids = np.ones((rows, width), np.int64)
            compiled.embed_and_classify(TokenBatch(ids, ids))
        return compiled


class _OpenVino:
    def __init__(self, compiled: Any) -> None:
        self._compiled = compiled

    def embed_and_classify(self, batch: TokenBatch) -> Answers:
        found = self._compiled({"input_ids": batch.input_ids, "attention_mask": batch.attention_mask})
        return Answers(np.asarray(found["features"]).copy(), np.asarray(found["embeddings"]).copy())


def _openvino(network: nn.Module, precision: str) -> Engine:
    import openvino  # noqa: PLC0415  # not a dependency

    core = openvino.Core()
    options = {"INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1, "INFERENCE_PRECISION_HINT": precision}
    return _OpenVino(core.compile_model(core.read_model(_plain(network)), "CPU", options))
