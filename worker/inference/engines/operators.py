"""Operators of ONNX Runtime that no torch module exports to, as torch functions.

Only their shapes are real while a network is traced; what they compute is written down by `symbolic`.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import Function
from transformers.masking_utils import bidirectional_mask_function, eager_mask

DOMAIN = "com.microsoft"  # of ONNX Runtime's own operators
ATTENTION = "textsieve-onnx"  # the name of `attend` among transformers' attention functions

_NOT_COMPUTED = ("softcap", "s_aux", "position_bias", "head_mask", "relative_position")  # beside masks
_UINT8, _INT32 = 2, 6  # of onnx.TensorProto
_PAIRS = 4  # dimensions of a mask that has a number for each pair of tokens: [batch or 1, heads or 1, width, width]
# added to a score that is to count for nothing: with ONNX Runtime's own -10,000 large scores of padding would count
_NEVER = float(torch.finfo(torch.float32).min)
_LEAST_SCALE = 1e-12  # a row of zeros has no largest value to divide by


class _Attention(Function):
    """MultiHeadAttention: all heads at once, the mask as it came, or one of its own for each pair of tokens."""

    @staticmethod
    def forward(_ctx: Any, query: Tensor, _key: Tensor, _value: Tensor, _mask: Tensor, *_: Any) -> Tensor:
        """[batch, width, heads x size] in the shape of the query."""
        return query.clone()

    @staticmethod
    def symbolic(g: Any, query: Any, key: Any, value: Any, mask: Any, heads: int, scale: float) -> Any:
        """The node of the graph."""
        added = mask.type().dim() == _PAIRS  # to the scores
        masks = [_absent(g), mask] if added else [g.op("Cast", mask, to_i=_INT32)]
        node = g.op(
            f"{DOMAIN}::MultiHeadAttention",
            query,
            key,
            value,
            _absent(g),
            *masks,
            num_heads_i=heads,
            scale_f=scale,
            mask_filter_value_f=_NEVER,
        )
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
    attention_mask: Tensor | None,
    scaling: float | None = None,
    **more: Any,
) -> tuple[Tensor, None]:
    """An attention function as transformers calls it; each of the three is [batch, heads, width, size].

    Raises:
        NotImplementedError: the network wants more of it than the operator computes.
    """
    del module
    wanted = sorted(name for name in _NOT_COMPUTED if more.get(name) is not None)
    if wanted or attention_mask is None or key.shape[-1] != value.shape[-1]:
        raise NotImplementedError(f"attention with {', '.join(wanted) or 'other masks or sizes'}")
    batch, heads, width, size = query.shape
    if heads != key.shape[1]:  # several heads share a key and a value
        key, value = (part.repeat_interleave(heads // part.shape[1], dim=1) for part in (key, value))
    if attention_mask.dim() == _PAIRS:
        if attention_mask.dtype == torch.bool:
            attention_mask = torch.where(attention_mask, 0.0, _NEVER)
        attention_mask = attention_mask.expand(-1, -1, width, -1)
    merged = [part.transpose(1, 2).reshape(batch, -1, heads * size) for part in (query, key, value)]
    scale = float(size**-0.5 if scaling is None else scaling)
    answer: Tensor = _Attention.apply(*merged, attention_mask, int(heads), scale)  # type: ignore[no-untyped-call]
    return answer.view(batch, -1, heads, size), None


def plain_mask(*, mask_function: Any, attention_mask: Tensor | None, **more: Any) -> Tensor:
    """A mask function as transformers calls it: what hides padding alone stays [batch, width], all others have pairs.

    Causal masks and local windows differ between layers and between tokens (docs/decisions/0030).
    """
    if mask_function is bidirectional_mask_function and attention_mask is not None and not more.get("use_vmap"):
        return attention_mask
    skipped = {"allow_is_bidirectional_skip": False, "allow_is_causal_skip": False}
    pairs: Tensor = eager_mask(mask_function=mask_function, attention_mask=attention_mask, **{**more, **skipped})
    return pairs


def _absent(g: Any) -> Any:
    node = g.op("prim::Constant")
    node.setType(torch._C.OptionalType.ofTensor())  # noqa: SLF001  # the only way to leave an input out
    return node
