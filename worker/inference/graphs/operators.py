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
_INT32 = 6  # of onnx.TensorProto
_PAIRS = 4  # dimensions of a mask that has a number for each pair of tokens: [batch or 1, heads or 1, width, width]
# added to a score that is to count for nothing: with ONNX Runtime's own -10,000 large scores of padding would count
_NEVER = float(torch.finfo(torch.float32).min)


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
