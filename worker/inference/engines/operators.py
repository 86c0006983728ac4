"""Operators of ONNX Runtime that no torch module exports to, as torch functions.

Only their shapes are real while a network is traced; what they compute is written down by `symbolic`.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import Function

DOMAIN = "com.microsoft"  # of ONNX Runtime's own operators
ATTENTION = "textsieve-onnx"  # the name of `attend` among transformers' attention functions

_UINT8, _INT32 = 2, 6  # of onnx.TensorProto
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
    """x @ weight in int8, with a scale and a zero point for each row of x and a scale for each column of the weight."""

    @staticmethod
    def forward(_ctx: Any, x: Tensor, weight: Tensor, _scale: Tensor, width: int) -> Tensor:
        """[..., in] @ [in + corrections, out] -> [..., out]."""
        return x @ weight[:width].float()

    @staticmethod
    def symbolic(g: Any, x: Any, weight: Any, scale: Any, width: int) -> Any:
        """The nodes of the graph."""

        def constant(value: Any, dtype: torch.dtype = torch.float32) -> Any:
            return g.op("Constant", value_t=torch.tensor(value, dtype=dtype))

        extended, out = weight.type().sizes()
        rows = g.op("Reshape", x, constant([-1, width], torch.int64))  # [rows, in]
        high = g.op("Max", g.op("ReduceMax", rows, axes_i=[-1], keepdims_i=1), constant(0.0))  # [rows, 1]
        low = g.op("Min", g.op("ReduceMin", rows, axes_i=[-1], keepdims_i=1), constant(0.0))  # [rows, 1]
        step = g.op("Max", g.op("Mul", g.op("Sub", high, low), constant(1 / 255)), constant(_LEAST_SCALE))  # [rows, 1]
        zero = g.op("Cast", g.op("Round", g.op("Neg", g.op("Div", low, step))), to_i=_UINT8)  # [rows, 1]
        flat = constant([-1], torch.int64)
        bytes_ = g.op("QuantizeLinear", rows, g.op("Reshape", step, flat), g.op("Reshape", zero, flat), axis_i=0)
        one_each = constant([1, extended - width], torch.int64)
        zeros = g.op("Expand", zero, one_each)  # [rows, corrections]
        both = g.op("Concat", bytes_, zeros, axis_i=1)  # [rows, in + corrections]
        product = g.op(f"{DOMAIN}::MatMulIntegerToFloat", both, weight, constant(1.0), scale)  # [rows, out]
        whole = g.op("Shape", x)
        dims = [g.op("Gather", whole, constant([axis], torch.int64), axis_i=0) for axis in range(x.type().dim() - 1)]
        shape = g.op("Concat", *dims, constant([out], torch.int64), axis_i=0)
        node = g.op("Reshape", g.op("Mul", product, step), shape)
        return node.setType(x.type().with_sizes([*[None] * (x.type().dim() - 1), out]))


class Linear8(nn.Module):
    """A linear layer in int8: a scale for each output's weights, a scale and a zero point for each row of the input.

    A row is a token. Scaled by rows, not by batches, the answer for a text does not depend on those beside it, and
    embeddings stay nearer to float32 (docs/decisions/0010-engines.md).

    The zero point z of a row adds z times the sum of a column to each product. It is taken away inside the same
    product: z is appended to the row a few times, and to the weights as many rows that sum up to minus their sums.

    Args:
        linear: the layer in float32.
        largest: what the largest weight of each output becomes: 127, or 63 where sums of two products must fit int16.
    """

    def __init__(self, linear: nn.Linear, *, largest: int) -> None:
        super().__init__()
        weight = linear.weight.detach()  # [out, in]
        scale = (weight.abs().amax(dim=1) / largest).clamp(min=_LEAST_SCALE)  # [out]
        rounded = torch.round(weight / scale[:, None])  # [out, in]
        extended = torch.cat([rounded, _corrections(rounded.sum(dim=1), largest=largest)], dim=1)
        self.weight = nn.Parameter(extended.T.contiguous().to(torch.int8), requires_grad=False)  # [in + c, out]
        self.scale = nn.Parameter(scale, requires_grad=False)
        self.bias = linear.bias
        self.in_features = linear.in_features

    def forward(self, x: Tensor) -> Tensor:
        """[..., in] -> [..., out]."""
        product: Tensor = _MatMul8.apply(x, self.weight, self.scale, self.in_features)  # type: ignore[no-untyped-call]  # torch's own
        return product if self.bias is None else product + self.bias


def _corrections(sums: Tensor, *, largest: int) -> Tensor:
    """[out] -> [out, c] of at most `largest` in size whose rows sum up to minus `sums`; c is a multiple of 4."""
    count = -(-int(sums.abs().max()) // (4 * largest)) * 4 or 4
    even = torch.div(-sums, count, rounding_mode="floor")  # [out]
    rest = -sums - even * count  # [out], 0 .. count - 1
    return even[:, None] + (torch.arange(count) < rest[:, None])  # [out, c]


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
