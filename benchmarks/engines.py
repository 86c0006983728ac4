"""Speed on one core of every way to run the network that we use or tried, and its agreement with float32.

Every way answers the same sorted batches of the same texts in turn, round after round; the figures are medians, and
seconds are the process's own on one thread, so that what else the machine does counts little.
TEXTSIEVE_DATA names the folder with sms_spam.jsonl.gz and banking77.jsonl.gz.

    python benchmarks/engines.py --json
"""

import argparse
import copy
import functools
import gzip
import io
import json
import os
import platform
import random
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from torch import nn
from torch.autograd import Function

from worker.batching import cut_batches
from worker.inference.engines.engine import Answers, Engine, TokenBatch
from worker.inference.engines.export import export_graph
from worker.inference.engines.onnx import INPUTS, OUTPUTS, OnnxEngine, open_session
from worker.inference.engines.operators import DOMAIN
from worker.inference.engines.torch import TorchEngine
from worker.inference.loading import load_predictor
from worker.inference.machine import this_cpu
from worker.inference.transformer import TransformerPredictor
from worker.inference.workshop import _in_bf16
from worker.settings import ModelSettings

HERE = Path(__file__).parent
BUDGET = 512  # tokens of a device batch, for every way the same
CPU = torch.device("cpu")
DATA = ("sms_spam", "banking77")


@dataclass(frozen=True, slots=True)
class Agreement:
    """With torch in float32, on the texts of one data set."""

    texts: int
    labels: float  # share with the same label
    cosine_mean: float
    cosine_min: float


@dataclass(frozen=True, slots=True)
class Way:
    """One way to run the network."""

    name: str
    used: bool  # by the worker
    messages_per_second: float  # median
    spread: tuple[float, float]  # least and most
    agreement: dict[str, Agreement]
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Around:
    """What a message costs beside the forward pass, in microseconds: medians over the timed texts."""

    tokenize: float
    predict: float  # tokenising included, with an engine that costs nothing
    tokens_per_text: float


@dataclass(frozen=True, slots=True)
class Memory:
    """ONNX Runtime in int8 over batches of random shapes, with and without its arena."""

    arena: bool
    batches: int
    growth_mib: tuple[float, ...]  # resident memory above the loaded session: after a tenth, a half, all of them
    tokens_per_second: float


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


def main() -> int:
    """Measure, write results/engines.json."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--texts", type=int, default=400, help="timed")
    parser.add_argument("--compared", type=int, default=1000, help="texts of each data set that agreement is taken on")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=4)
    parser.add_argument("--quick", action="store_true", help="80 texts, one round: to see that it runs")
    parser.add_argument("--json", action="store_true", help="print the outcome as one line")
    parser.add_argument("--results", type=Path, default=HERE / "results")
    options = parser.parse_args()
    if "TEXTSIEVE_DATA" not in os.environ:
        parser.error("TEXTSIEVE_DATA: expected the folder with sms_spam.jsonl.gz and banking77.jsonl.gz, came none")
    if options.quick:
        options.texts, options.compared, options.rounds = 80, 80, 1
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    texts = {name: _texts(name, options.seed) for name in DATA}
    base = load_predictor(
        ModelSettings(device="cpu", threads=1, engine="torch", precision="fp32", max_batch_tokens=BUDGET)
    )
    memory = [resident(base._engine._network, arena=arena) for arena in (True, False)]
    ways = measure(base, texts, timed=options.texts, compared=options.compared, rounds=options.rounds)
    outcome = {
        "machine": _machine(),
        "budget": BUDGET,
        **vars(options),
        "ways": [asdict(way) for way in ways],
        "around": asdict(around(base, texts[DATA[0]][: options.texts])),
        "memory": [asdict(each) for each in memory],
    }
    del outcome["json"], outcome["results"]
    options.results.mkdir(exist_ok=True)
    (options.results / "engines.json").write_text(json.dumps(outcome, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(outcome) if options.json else "\n".join(_line(way) for way in ways))
    return 0


class _Free:
    """An engine that costs nothing."""

    def embed_and_classify(self, batch: TokenBatch) -> Answers:
        rows = len(batch.input_ids)
        return Answers(np.full((rows, 2), 0.5, np.float32), np.ones((rows, 384), np.float32))


def around(base: TransformerPredictor, texts: Sequence[str]) -> Around:
    """Time what a predictor does beside the forward pass."""

    def cost(work: Callable[[Sequence[str]], object]) -> float:
        times = []
        for _ in range(9):
            began = time.process_time()
            work(texts)
            times.append(time.process_time() - began)
        return round(statistics.median(times) / len(texts) * 1e6, 1)

    tokens = base._tokenizer.tokenize(texts)
    predict = cost(_over(base, _Free()).predict)
    return Around(cost(base._tokenizer.tokenize), predict, round(float(tokens.lengths.mean()), 1))


def resident(network: nn.Module, *, arena: bool, batches: int = 700) -> Memory:
    """Watch resident memory while batches of every shape go through."""
    graph = export_graph(network, precision="int8")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.enable_mem_pattern, options.enable_cpu_mem_arena = 1, False, arena
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(1)
    base, seen, growth = _rss_mib(), 0, []
    began = time.process_time()
    for number in range(1, batches + 1):
        width = int(min(256, rng.geometric(0.04) + 2))
        rows = int(rng.integers(1, max(2, BUDGET // width)))
        ids = rng.integers(5, 20_000, (rows, width))
        session.run(None, dict(zip(INPUTS, (ids, np.ones_like(ids)), strict=True)))
        seen += ids.size
        if number in (batches // 10, batches // 2, batches):
            growth.append(round(_rss_mib() - base, 1))
    return Memory(arena, batches, tuple(growth), round(seen / (time.process_time() - began)))


def _rss_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def measure(
    base: TransformerPredictor, texts: dict[str, list[str]], *, timed: int, compared: int, rounds: int
) -> list[Way]:
    """Every way over the same texts."""
    engines: dict[str, Engine] = {}
    faults: dict[str, str] = {}
    for name, make in _ways(base._engine._network).items():
        try:
            engines[name] = make()
        except Exception as error:  # noqa: BLE001  # what cannot run here is reported
            faults[name] = f"{type(error).__name__}: {str(error)[:120]}"
    predictors = {name: _over(base, engine) for name, engine in engines.items()}
    agreement = {name: _agreement(predictors, texts[name][:compared]) for name in texts}
    batches = list(_batches(base, texts[DATA[0]][:timed]))
    rates: dict[str, list[float]] = {name: [] for name in engines}
    for _ in range(rounds):
        for name, engine in engines.items():
            began = time.process_time()
            for batch in batches:
                engine.embed_and_classify(batch)
            rates[name].append(timed / (time.process_time() - began))
    found = [
        Way(
            name,
            not name.startswith("tried: "),
            round(statistics.median(rates[name]), 1),
            (round(min(rates[name]), 1), round(max(rates[name]), 1)),
            {data: agreement[data][name] for data in texts},
        )
        for name in engines
    ]
    return found + [Way(name, False, 0.0, (0.0, 0.0), {}, fault) for name, fault in faults.items()]


def _ways(network: nn.Module) -> dict[str, Callable[[], Engine]]:
    def exported(module: nn.Module) -> bytes:
        return export_graph(module, precision="fp32")

    return {
        "torch fp32": lambda: TorchEngine(network, device=CPU),
        "torch bf16": lambda: TorchEngine(_in_bf16(network), device=CPU),
        "onnx fp32": lambda: OnnxEngine(open_session(exported(network), threads=1)),
        "onnx int8": lambda: OnnxEngine(open_session(export_graph(network, precision="int8"), threads=1)),
        "onnx int8, weights of 7 bits": lambda: OnnxEngine(
            open_session(export_graph(network, precision="int8", largest_weight=63), threads=1)
        ),
        "tried: onnx fp32 without the fused attention": lambda: OnnxEngine(open_session(_plain(network), threads=1)),
        "tried: onnx int8, a scale for the batch": lambda: OnnxEngine(
            open_session(exported(_swapped(network, _BatchLinear8)), threads=1)
        ),
        "tried: onnx int8, blocks of 64": lambda: OnnxEngine(
            open_session(exported(_swapped(network, _BlockLinear8)), threads=1)
        ),
        "tried: onnx quantize_dynamic, scales by tensor": functools.partial(_library, network, per_channel=False),
        "tried: onnx quantize_dynamic, scales by channel": functools.partial(_library, network, per_channel=True),
        "tried: torch dynamic int8": lambda: TorchEngine(_torch_int8(network), device=CPU),
        "tried: openvino fp32": functools.partial(_openvino, network, "f32"),
        "tried: openvino bf16": functools.partial(_openvino, network, "bf16"),
    }


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


class _OpenVino:
    def __init__(self, compiled: Any) -> None:
        self._compiled = compiled

    def embed_and_classify(self, batch: TokenBatch) -> Answers:
        found = self._compiled({"input_ids": batch.input_ids, "attention_mask": batch.attention_mask})
        return Answers(np.asarray(found["probabilities"]).copy(), np.asarray(found["embeddings"]).copy())


def _openvino(network: nn.Module, precision: str) -> Engine:
    import openvino  # noqa: PLC0415  # not a dependency

    core = openvino.Core()
    options = {"INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1, "INFERENCE_PRECISION_HINT": precision}
    return _OpenVino(core.compile_model(core.read_model(_plain(network)), "CPU", options))


def _over(base: TransformerPredictor, engine: Engine) -> TransformerPredictor:
    return TransformerPredictor(base.card, tokenizer=base._tokenizer, engine=engine, max_batch_tokens=BUDGET)


def _agreement(predictors: dict[str, TransformerPredictor], texts: Sequence[str]) -> dict[str, Agreement]:
    exact = predictors["torch fp32"].predict(texts)
    found = {}
    for name, predictor in predictors.items():
        answers = predictor.predict(texts)
        same = answers.probabilities.argmax(axis=1) == exact.probabilities.argmax(axis=1)  # [texts]
        cosines = (answers.embeddings * exact.embeddings).sum(axis=1)  # [texts]
        found[name] = Agreement(
            len(texts), round(float(same.mean()), 5), round(float(cosines.mean()), 5), round(float(cosines.min()), 5)
        )
    return found


def _batches(base: TransformerPredictor, texts: Sequence[str]) -> Iterator[TokenBatch]:
    tokens = base._tokenizer.tokenize(texts)
    for rows in cut_batches(tokens.lengths, max_batch_tokens=BUDGET):
        yield base._tokenizer.pad(tokens, rows)


def _texts(name: str, seed: int) -> list[str]:
    path = Path(os.environ["TEXTSIEVE_DATA"]) / f"{name}.jsonl.gz"
    rows = [json.loads(line)["text"] for line in gzip.decompress(path.read_bytes()).splitlines()]
    distinct = list(dict.fromkeys(rows))
    random.Random(seed).shuffle(distinct)
    return distinct


def _machine() -> dict[str, Any]:
    cpu = this_cpu()
    packages = ("torch", "transformers", "onnxruntime", "openvino", "numpy")
    versions = {name: metadata.version(name) for name in packages if _installed(name)}
    shown = sorted(cpu.flags & {"avx2", "avx512f", "avx_vnni", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8"})
    return {"cpu": cpu.name, "flags": shown, "python": platform.python_version(), "threads": 1, **versions}


def _installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def _line(way: Way) -> str:
    if way.fault:
        return f"{way.name}: {way.fault}"
    shares = "; ".join(f"{name} {a.labels:.2%}, cosine {a.cosine_mean:.4f}" for name, a in way.agreement.items())
    return f"{way.name}: {way.messages_per_second} messages/s {way.spread}; {shares}"


if __name__ == "__main__":
    onnxruntime.set_default_logger_severity(4)
    sys.exit(main())
