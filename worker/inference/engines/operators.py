"""Operators of ONNX Runtime that no torch module exports to, as torch functions.

Only their shapes are real while a network is traced; what they compute is written down by `symbolic`.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import Function

DOMAIN = "com.microsoft"  # of ONNX Runtime's own operators
ATTENTION = "textsieve-onnx"  # the name of `attend` among transformers' attention functions

_INT32 = 6  # of onnx.TensorProto
_ZERO_POINT = 128  # the middle of uint8: rows are quantised symmetrically
_LEAST_SCALE = 1e-12  # a row of zeros has no largest value to divide by


class _Attention(Function):
    """MultiHeadAttention: all heads at once, the mask as it came."""

    @staticmethod
    def forward(_ctx: Any, query: Tensor, _key: Tensor, _value: Tensor, _mask: Tensor, *_: Any) -> Tensor:
        """[batch, width, heads x size] in the shape of the query."""
        return query.clone()

    @staticmethod
    def symbolic(g: Any, query: Any, key: Any, value: Any, mask: Any, heads: int, scale: float) -> Any:
        """The node of the graph."""
        integers = g.op("Cast", mask, to_i=_INT32)
        inputs = (query, key, value, _absent(g), integers)
        node = g.op(f"{DOMAIN}::MultiHeadAttention", *inputs, num_heads_i=heads, scale_f=scale)
        return node.setType(query.type())


class _MatMul8(Function):
    """x @ weight in int8, with a scale for each row of x and for each column of the weight."""

    @staticmethod
    def forward(_ctx: Any, x: Tensor, weight: Tensor, _scale: Tensor) -> Tensor:
        """[..., in] @ [in, out] -> [..., out]."""
        return x @ weight.float()

    @staticmethod
    def symbolic(g: Any, x: Any, weight: Any, scale: Any) -> Any:
        """The nodes of the graph."""

        def constant(value: Any, dtype: torch.dtype) -> Any:
            return g.op("Constant", value_t=torch.tensor(value, dtype=dtype))

        width, out = weight.type().sizes()
        rows = g.op("Reshape", x, constant([-1, width], torch.int64))  # [rows, in]
        largest = g.op("ReduceMax", g.op("Abs", rows), axes_i=[-1], keepdims_i=1)  # [rows, 1]
        least = constant(_LEAST_SCALE, torch.float32)
        row_scale = g.op("Max", g.op("Mul", largest, constant(1 / 127, torch.float32)), least)  # [rows, 1]
        flat = g.op("Reshape", row_scale, constant([-1], torch.int64))  # [rows]
        zeros = g.op("Expand", constant([_ZERO_POINT], torch.uint8), g.op("Shape", flat))  # [rows]
        quantised = g.op("QuantizeLinear", rows, flat, zeros, axis_i=0)  # [rows, in] uint8
        one, zero = constant(1.0, torch.float32), constant(_ZERO_POINT, torch.uint8)
        product = g.op(f"{DOMAIN}::MatMulIntegerToFloat", quantised, weight, one, scale, zero)  # [rows, out]
        lead = g.op("Slice", g.op("Shape", x), constant([0], torch.int64), constant([-1], torch.int64))
        shape = g.op("Concat", lead, constant([out], torch.int64), axis_i=0)
        node = g.op("Reshape", g.op("Mul", product, row_scale), shape)
        return node.setType(x.type().with_sizes([*[None] * (x.type().dim() - 1), out]))


class Linear8(nn.Module):
    """A linear layer whose weights are int8 with a scale for each output, and whose inputs with one for each row.

    A scale for each row (a token), not for the whole batch: the answer for a text does not depend on those beside it.

    Args:
        linear: the layer in float32.
        largest: what the largest weight of each output becomes: 127, or 63 where sums of two products must fit int16.
    """

    def __init__(self, linear: nn.Linear, *, largest: int) -> None:
        super().__init__()
        weight = linear.weight.detach()  # [out, in]
        scale = (weight.abs().amax(dim=1) / largest).clamp(min=_LEAST_SCALE)  # [out]
        rounded = torch.round(weight / scale[:, None]).to(torch.int8)
        self.weight = nn.Parameter(rounded.T.contiguous(), requires_grad=False)  # [in, out]
        self.scale = nn.Parameter(scale, requires_grad=False)
        self.bias = linear.bias

    def forward(self, x: Tensor) -> Tensor:
        """[..., in] -> [..., out]."""
        product: Tensor = _MatMul8.apply(x, self.weight, self.scale)  # type: ignore[no-untyped-call]  # torch's own
        return product if self.bias is None else product + self.bias


def attend(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor,
    scaling: float | None = None,
    **_: Any,
) -> tuple[Tensor, None]:
    """An attention function as transformers calls it; each of the three is [batch, heads, width, size]."""
    del module
    batch, heads, _width, size = query.shape
    merged = [part.transpose(1, 2).reshape(batch, -1, heads * size) for part in (query, key, value)]
    scale = float(size**-0.5 if scaling is None else scaling)
    answer: Tensor = _Attention.apply(*merged, attention_mask, int(heads), scale)  # type: ignore[no-untyped-call]
    return answer.view(batch, -1, heads, size), None


def plain_mask(*_: Any, attention_mask: Tensor, **__: Any) -> Tensor:
    """A mask function as transformers calls it: `attend` takes [batch, width] as it is."""
    return attention_mask


def _absent(g: Any) -> Any:
    node = g.op("prim::Constant")
    node.setType(torch._C.OptionalType.ofTensor())  # noqa: SLF001  # the only way to leave an input out
    return node
