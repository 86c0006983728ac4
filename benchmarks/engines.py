"""Speed on one core of every way to run the network that we use or tried, and its agreement with float32.

Every way answers the same sorted batches of the same texts in turn, round after round; the figures are medians, and
seconds are the process's own on one thread, so that what else the machine does counts little.
TEXTSIEVE_DATA names the folder with sms_spam.jsonl.gz and banking77.jsonl.gz.

    python -m benchmarks.engines --json
"""

import argparse
import gzip
import json
import os
import platform
import random
import statistics
import sys
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

from benchmarks.ways import ways
from textsieve.worker.batching import cut_batches
from textsieve.worker.inference.calibration import calibration_texts
from textsieve.worker.inference.engines.engine import Answers, Engine, TokenBatch
from textsieve.worker.inference.engines.export import export_graph
from textsieve.worker.inference.engines.int8 import quantized, ranges_of
from textsieve.worker.inference.engines.onnx import INPUTS
from textsieve.worker.inference.loading import load_predictor
from textsieve.worker.inference.machine import this_cpu
from textsieve.worker.inference.transformer import TransformerPredictor
from textsieve.worker.settings import ModelSettings

HERE = Path(__file__).parent
BUDGET = 512  # tokens of a device batch, for every way the same
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
        parser.error("TEXTSIEVE_DATA: expected the folder with sms_spam.jsonl.gz and banking77.jsonl.gz, got none")
    if options.quick:
        options.texts, options.compared, options.rounds = 80, 80, 1
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    texts = {name: _texts(name, options.seed) for name in DATA}
    base = load_predictor(
        ModelSettings(device="cpu", threads=1, engine="torch", precision="fp32", max_batch_tokens=BUDGET)
    )
    showing = list(_batches(base, calibration_texts()[::2]))
    memory = [resident(base._engine._network, showing, arena=arena) for arena in (True, False)]
    found = measure(base, texts, timed=options.texts, compared=options.compared, rounds=options.rounds)
    outcome = {
        "machine": _machine(),
        "budget": BUDGET,
        **vars(options),
        "ways": [asdict(way) for way in found],
        "around": asdict(around(base, texts[DATA[0]][: options.texts])),
        "memory": [asdict(each) for each in memory],
    }
    del outcome["json"], outcome["results"]
    options.results.mkdir(exist_ok=True)
    (options.results / "engines.json").write_text(json.dumps(outcome, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(outcome) if options.json else "\n".join(_line(way) for way in found))
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


def resident(network: nn.Module, showing: Sequence[TokenBatch], *, arena: bool, batches: int = 700) -> Memory:
    """Watch resident memory while batches of every shape go through."""
    graph = export_graph(network)
    graph = quantized(graph, ranges_of(graph, showing), sums_exactly=True)
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
    for name, make in ways(base._engine._network, list(_batches(base, calibration_texts()[::2]))).items():
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
