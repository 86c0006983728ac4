"""What values come into the linear layers of a graph, by what some texts bring there."""

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textsieve.worker.inference.engines.engine import TokenBatch
from textsieve.worker.inference.engines.onnx import INPUTS, open_session

PARTS = ("low", "high", "mean")
Channels = NDArray[np.float32]  # [channels]


@dataclass(frozen=True, slots=True)
class Range:
    """Of every channel of a value, over all real tokens."""

    low: Channels
    high: Channels
    mean: Channels


def observed(model: Any, values: Sequence[str], batches: Iterable[TokenBatch]) -> dict[str, Range]:
    """The ranges of those values that have a row for each token; the others are left out.

    Args:
        model: onnx.ModelProto; it is not changed.
        values: names.
        batches: at least one, with at least one real token.
    """
    import onnx  # noqa: PLC0415  # only where graphs are made

    if not values:
        return {}
    told = type(model)()
    told.CopyFrom(model)
    told.graph.output.extend(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in values)
    session = open_session(told.SerializeToString(), threads=None)
    low: dict[str, Channels] = {}
    high: dict[str, Channels] = {}
    total: dict[str, NDArray[np.float64]] = {}
    count = 0
    for batch in batches:
        real = batch.attention_mask.astype(np.bool_)  # [batch, width]
        count += int(real.sum())
        found = session.run(values, dict(zip(INPUTS, (batch.input_ids, batch.attention_mask), strict=True)))
        for name, value in zip(values, found, strict=True):
            if value.ndim != 3 or value.shape[:2] != real.shape:  # noqa: PLR2004  # [batch, width, channels]
                continue
            rows = value[real]  # [tokens, channels]
            low[name] = np.minimum(low.get(name, np.inf), rows.min(axis=0))
            high[name] = np.maximum(high.get(name, -np.inf), rows.max(axis=0))
            total[name] = total.get(name, 0.0) + rows.sum(axis=0, dtype=np.float64)
    return {
        name: Range(low[name], high[name], np.asarray(total[name] / count, np.float32))
        for name in values
        if name in total and np.isfinite(total[name]).all()
    }


def packed(ranges: Mapping[str, Range]) -> bytes:
    """Ranges as a compressed file of NumPy, in half precision: a scale needs no more."""
    names = list(ranges)
    parts = {
        f"{number}.{part}": np.asarray(getattr(ranges[name], part), np.float16)
        for number, name in enumerate(names)
        for part in PARTS
    }
    written = io.BytesIO()
    np.savez_compressed(written, names=np.asarray(names), **parts)  # type: ignore[arg-type]  # its options are named too
    return written.getvalue()


def unpacked(content: bytes) -> dict[str, Range]:
    """The ranges that `packed` wrote.

    Raises:
        ValueError, OSError, KeyError: it is another file, or damaged.
    """
    with np.load(io.BytesIO(content), allow_pickle=False) as kept:
        return {
            str(name): Range(*(kept[f"{number}.{part}"].astype(np.float32) for part in PARTS))
            for number, name in enumerate(kept["names"])
        }
