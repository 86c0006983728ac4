"""Every engine in one process on one core: the GEMM roof, raw forward passes, lengths, agreement with fp32.

Run as a child, pinned; its last line is JSON.
"""

import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from transformers import AutoConfig

from benchmarks.speed.figures import Spread
from benchmarks.speed.task import Task
from textsieve.worker.batching import cut_batches
from textsieve.worker.inference.decisions import assigned_labels, expected_loss
from textsieve.worker.inference.engines.onnx import open_session
from textsieve.worker.inference.graphs.export import OPSET
from textsieve.worker.inference.loading import load_predictor
from textsieve.worker.inference.model_folder.model_files import package_folder
from textsieve.worker.records import Predictions
from textsieve.worker.settings import ModelSettings

VARIANTS: Mapping[str, Mapping[str, str]] = {
    "torch fp32": {"engine": "torch", "precision": "fp32"},
    "onnx fp32": {"engine": "onnx", "precision": "fp32"},
    "onnx int8": {"engine": "onnx", "precision": "int8"},
    "fp32": {"precision": "fp32"},
    "auto": {},
}
REFERENCE = "torch fp32"
POLL = 1000  # texts sorted together, as in a worker's largest batch
ROWS = 2048  # tokens of a GEMM, as in a device batch
IR_VERSION = 8  # of ONNX files: one that belongs to the operators' version
LENGTHS = (8, 16, 32, 64, 128, 256)


def main() -> None:
    """Measure what the task file names."""
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    task = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Task)
    known = variants(Path(task.cache))
    predictors: dict[str, Any] = {name: load_predictor(known[name]) for name in task.engines}
    for predictor in predictors.values():
        predictor.predict(task.texts[:POLL])
    config = AutoConfig.from_pretrained(package_folder())
    batches = {name: list(_batches(predictor, task.texts)) for name, predictor in predictors.items()}
    mean_tokens = float(np.mean(np.concatenate([lengths for _, lengths in batches[REFERENCE]])))
    flop = flop_per_token(config, tokens=mean_tokens)
    gemm: list[float] = []
    forward: dict[str, list[float]] = {name: [] for name in predictors}
    for _ in range(task.rounds):
        gemm.append(_gemm_peak(config, seconds=task.gemm_seconds))
        for name, predictor in predictors.items():
            forward[name].append(_forward_rate(predictor, batches[name], seconds=task.forward_seconds))
    answers = {data: predictors[REFERENCE].predict(texts) for data, texts in task.accuracy.items()}
    result = {
        "mean_tokens": mean_tokens,
        "flop_per_token": flop,
        "gemm_gflop_per_second": Spread.of(gemm),
        "roof_tokens_per_second": max(gemm) * 1e9 / flop,
        "forward": {
            name: {
                "messages_per_second": Spread.of(rates),
                "share_of_roof": float(np.median(rates)) * mean_tokens * flop / (max(gemm) * 1e9),
                "max_batch_tokens": predictors[name].max_batch_tokens,
                "engine": _told(predictors[name]),
                "padding": 1 - mean_tokens * len(task.texts) / sum(b.input_ids.size for b, _ in batches[name]),
            }
            for name, rates in forward.items()
        },
        "accuracy": {
            name: {data: _agreement(answers[data], predictor, texts) for data, texts in task.accuracy.items()}
            for name, predictor in predictors.items()
        },
        "lengths": {
            name: {str(length): _length_rate(predictor, length, seconds=task.length_seconds) for length in LENGTHS}
            for name, predictor in predictors.items()
        }
        if task.length_seconds
        else {},
    }
    print(msgspec.json.encode(result).decode())


def variants(cache: Path) -> dict[str, ModelSettings]:
    """The settings of every engine that this worker has."""
    common = {"threads": 1, "cache_messages": 0, "cache_directory": cache}
    return {name: ModelSettings.model_validate({**common, **told}) for name, told in VARIANTS.items()}


def _told(predictor: Any) -> dict[str, Any]:
    """What the calibration chose and why."""
    told: dict[str, Any] = msgspec.to_builtins(predictor.report)
    return told


def flop_per_token(config: Any, *, tokens: float) -> float:
    """Multiplications and additions of the encoder for one token of a text of so many tokens.

    Per layer: four projections of d x d, two of d x h, and attention's two products over all tokens of the text.
    """
    d, h = config.hidden_size, config.intermediate_size
    layer = 2 * (4 * d * d + 2 * d * h) + 2 * 2 * tokens * d
    return float(config.num_hidden_layers * layer)


def _batches(predictor: Any, texts: Sequence[str]) -> Iterator[tuple[Any, NDArray[np.int64]]]:
    """Padded batches as the worker would cut them, and the lengths of their texts."""
    for start in range(0, len(texts), POLL):
        tokens = predictor._tokenizer.tokenize(texts[start : start + POLL])  # noqa: SLF001
        for rows in cut_batches(tokens.lengths, max_batch_tokens=predictor.max_batch_tokens):
            yield predictor._tokenizer.pad(tokens, rows), tokens.lengths[rows]  # noqa: SLF001


def _forward_rate(predictor: Any, batches: Sequence[tuple[Any, NDArray[np.int64]]], *, seconds: float) -> float:
    """Texts per second of forward passes alone, in a random order of batches that is the same every time."""
    order = np.random.default_rng(0).permutation(len(batches))
    done, position = 0, 0
    began = time.perf_counter()
    while time.perf_counter() - began < seconds or position % len(order):
        batch, lengths = batches[order[position % len(order)]]
        predictor._engine.embed_and_classify(batch)  # noqa: SLF001
        done += len(lengths)
        position += 1
    return done / (time.perf_counter() - began)


def _gemm_peak(config: Any, *, seconds: float) -> float:
    """The best GFLOP/s of float32 matrix products of the model's sizes, by ONNX Runtime, torch or numpy."""
    d, h = config.hidden_size, config.intermediate_size
    rng = np.random.default_rng(0)
    best = 0.0
    shapes = ((ROWS, d, h), (ROWS, h, d), (ROWS, d, d), (ROWS, ROWS, ROWS))
    for rows, inner, columns in shapes:
        a = rng.standard_normal((rows, inner)).astype(np.float32)
        b = rng.standard_normal((inner, columns)).astype(np.float32)
        out = np.empty((rows, columns), np.float32)
        left, right, result = torch.from_numpy(a), torch.from_numpy(b), torch.from_numpy(out)
        weight = torch.from_numpy(np.ascontiguousarray(b.T))
        ways: tuple[Callable[[], object], ...] = (
            lambda a=a, b=b, out=out: np.matmul(a, b, out=out),
            lambda x=left, y=right, z=result: torch.mm(x, y, out=z),
            lambda x=left, w=weight: torch.nn.functional.linear(x, w),
            _onnx_product(a, b),
        )
        for way in ways:
            best = max(best, _gflops(way, 2 * rows * inner * columns, seconds=seconds / len(shapes) / len(ways)))
    return best


def _onnx_product(a: np.ndarray, b: np.ndarray) -> Callable[[], object]:
    """The product a @ b by ONNX Runtime, which packs b once, as it does the weights of a model."""
    node = onnx.helper.make_node("MatMul", ["a", "b"], ["c"])
    inputs = [onnx.helper.make_tensor_value_info("a", onnx.TensorProto.FLOAT, a.shape)]
    outputs = [onnx.helper.make_tensor_value_info("c", onnx.TensorProto.FLOAT, (a.shape[0], b.shape[1]))]
    graph = onnx.helper.make_graph([node], "product", inputs, outputs, [onnx.numpy_helper.from_array(b, "b")])
    opsets = [onnx.helper.make_opsetid("", OPSET)]
    model = onnx.helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)
    session = open_session(model.SerializeToString(), threads=1)
    return lambda: session.run(None, {"a": a})


def _gflops(way: Callable[[], object], flop: int, *, seconds: float) -> float:
    with torch.inference_mode():
        way()
        fastest = float("inf")
        began = time.perf_counter()
        while (now := time.perf_counter()) - began < seconds:
            way()
            fastest = min(fastest, time.perf_counter() - now)
    return flop / fastest / 1e9


def _agreement(theirs: Predictions, predictor: Any, texts: Sequence[str]) -> dict[str, float]:
    """Of one engine with the reference: share of equal labels, expected loss, mean and least cosine of embeddings."""
    ours, card = predictor.predict(texts), predictor.card
    cosines = np.einsum("nd,nd->n", theirs.embeddings, ours.embeddings)  # [texts], both of length 1
    same = theirs.probabilities.argmax(axis=1) == ours.probabilities.argmax(axis=1)
    return {
        "texts": len(texts),
        "label_agreement": float(same.mean()),
        "expected_loss": float(
            expected_loss(assigned_labels(ours.probabilities, card), theirs.probabilities, card).mean()
        ),
        "mean_cosine": float(cosines.mean()),
        "min_cosine": float(cosines.min()),
    }


def _length_rate(predictor: Any, length: int, *, seconds: float) -> float:
    """Texts per second of exactly so many tokens, tokenising included."""
    texts = [" ".join(["hello"] * (length - 2))] * max(16, 4096 // length)  # one token a word, and the two special ones
    done = 0
    began = time.perf_counter()
    while time.perf_counter() - began < seconds or not done:
        predictor.predict(texts)
        done += len(texts)
    return done / (time.perf_counter() - began)


if __name__ == "__main__":
    main()
