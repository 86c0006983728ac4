"""The engine alone: texts per second by arithmetic and by tokens of a device batch, with copies, without tokenising."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import msgspec
import numpy as np
import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from transformers import AutoConfig

from benchmarks.gpu.device import Device
from benchmarks.gpu.plan import Plan
from benchmarks.gpu.rounds import rates
from benchmarks.speed.engines import flop_per_token
from worker.batching import cut_batches
from worker.inference.engines.engine import Engine, TokenBatch
from worker.inference.engines.torch import ATTENTION, TorchEngine
from worker.inference.transformer import TransformerPredictor

EVERY = [*ATTENTION, SDPBackend.CUDNN_ATTENTION]


def engine_of(predictor: TransformerPredictor) -> Engine:
    """What runs its network."""
    return predictor._engine  # noqa: SLF001


def network_of(predictor: TransformerPredictor) -> nn.Module:
    """The network itself."""
    return engine_of(predictor)._network  # type: ignore[attr-defined,no-any-return]  # noqa: SLF001


def token_batches(predictor: TransformerPredictor, texts: Sequence[str], *, budget: int) -> list[TokenBatch]:
    """Padded batches of all texts sorted together, as the predictor cuts them."""
    tokenizer = predictor._tokenizer  # noqa: SLF001
    tokens = tokenizer.tokenize(texts)
    return [tokenizer.pad(tokens, rows) for rows in cut_batches(tokens.lengths, max_batch_tokens=budget)]


def passes(
    device: Device, texts: Sequence[str], predictors: Mapping[str, TransformerPredictor], *, plan: Plan, seed: int
) -> dict[str, Any]:
    """Every arithmetic with every budget, in turn."""
    arms: dict[str, Callable[[], object]] = {}
    told: dict[str, dict[str, Any]] = {}
    real = 0
    for arithmetic, predictor in predictors.items():
        for budget in plan.budgets:
            batches = token_batches(predictor, texts, budget=budget)
            real = sum(int(batch.attention_mask.sum()) for batch in batches)
            name = f"{arithmetic} {budget}"
            arms[name] = partial(_lap, engine_of(predictor), batches)
            told[name] = {
                "batches": len(batches),
                "padding": round(1 - real / sum(batch.input_ids.size for batch in batches), 4),
                "peak_mib": _peak(device, arms[name]),
            }
    counts = dict.fromkeys(arms, len(texts))
    found = rates(device, arms, units=counts, rounds=plan.rounds, seconds=plan.seconds, seed=seed)
    flop = flop_per_token(AutoConfig.for_model(**_config(predictors)), tokens=real / len(texts))
    for name, rate in found.items():
        told[name] |= {
            "texts_per_second": msgspec.to_builtins(rate),
            "tflop_per_second": round(rate.median * real / len(texts) * flop / 1e12, 2),
        }
    return {"mean_tokens": round(real / len(texts), 2), "flop_per_token": flop, "arms": told}


def _config(predictors: Mapping[str, TransformerPredictor]) -> dict[str, Any]:
    told: dict[str, Any] = network_of(next(iter(predictors.values()))).encoder.config.to_dict()  # type: ignore[union-attr,operator]
    return told


def _lap(engine: Engine, batches: Sequence[TokenBatch]) -> None:
    for batch in batches:
        engine.embed_and_classify(batch)


def _peak(device: Device, lap: Callable[[], object]) -> dict[str, float]:
    """What one lap takes beside the weights."""
    device.forget_peak()
    before = device.peak_mib()
    lap()
    return {name: round(size - before[name], 1) for name, size in device.peak_mib().items()}


def fresh(
    device: Device, texts: Sequence[str], predictor: TransformerPredictor, *, plan: Plan, seed: int
) -> dict[str, Any]:
    """What a shape costs that the network has not met, with and without cuDNN's attention; and both once all are known.

    The two take turns with shapes of one distribution, so that neither finds more of what both keep.
    """
    rng = np.random.default_rng(seed)
    bare = network_of(predictor)
    networks = {"with cuDNN": Attending(bare, EVERY), "without": Attending(bare, ATTENTION)}
    first: dict[str, list[float]] = {name: [] for name in networks}
    again: dict[str, list[float]] = {name: [] for name in networks}
    for number in range(plan.fresh_shapes):
        name = list(networks)[number % len(networks)]
        rows, width = int(rng.integers(8, plan.texts // 16)), 16 * int(rng.integers(1, 7))
        ids = torch.randint(1000, 20_000, (rows, width), device=device.torch)
        run = partial(_inferred, networks[name], ids, torch.ones_like(ids))
        first[name].append(device.seconds(run, times=1) * 1e3)
        again[name].append(device.seconds(run, times=1) * 1e3)
    batches = token_batches(predictor, texts, budget=predictor.max_batch_tokens)
    arms: dict[str, Callable[[], object]] = {
        name: partial(_lap_of, network, device, batches) for name, network in networks.items()
    }
    units = dict.fromkeys(arms, len(texts))
    known = rates(device, arms, units=units, rounds=plan.rounds, seconds=plan.seconds, seed=seed)
    return {
        name: {
            "shapes": len(first[name]),
            "first_ms": {f"p{share}": round(float(np.percentile(first[name], share)), 2) for share in (50, 90, 100)},
            "again_ms": {f"p{share}": round(float(np.percentile(again[name], share)), 2) for share in (50, 90, 100)},
            "texts_per_second_known": msgspec.to_builtins(known[name]),
        }
        for name in networks
    }


class Attending(nn.Module):
    """A network that may choose among some kernels for attention."""

    def __init__(self, network: nn.Module, kernels: list[SDPBackend]) -> None:
        super().__init__()
        self._network, self._kernels = network, kernels

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> Any:
        """As the network's."""
        with sdpa_kernel(self._kernels):
            return self._network(input_ids, attention_mask)


def _lap_of(network: nn.Module, device: Device, batches: Sequence[TokenBatch]) -> None:
    for batch in batches:
        fed = (torch.from_numpy(part).to(device.torch) for part in (batch.input_ids, batch.attention_mask))
        _inferred(network, *fed)


def replayed(device: Device, predictor: TransformerPredictor, *, plan: Plan) -> dict[str, Any]:
    """Milliseconds of one pass of the network, kernel by kernel and as a CUDA graph: what launches cost."""
    network = network_of(predictor)
    found: dict[str, Any] = {}
    for rows, width in plan.shapes:
        ids = torch.randint(1000, 20_000, (rows, width), device=device.torch)
        run = partial(_inferred, network, ids, torch.ones_like(ids))
        run()
        found[f"{rows} x {width}"] = told = {"launched_ms": round(device.seconds(run, times=plan.repeats) * 1e3, 3)}
        if device.is_cuda and not any("fault" in other for other in found.values()):
            told |= _captured(device, run, times=plan.repeats)
    return found


def _captured(device: Device, run: Callable[[], object], *, times: int) -> dict[str, Any]:
    graph = torch.cuda.CUDAGraph()
    try:
        stream = torch.cuda.Stream()  # what is captured must have run on another stream before
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(3):
                run()
        torch.cuda.current_stream().wait_stream(stream)
        with torch.cuda.graph(graph):
            run()
    except RuntimeError as error:
        return {"fault": str(error).partition("\n")[0][:200]}
    return {"replayed_ms": round(device.seconds(graph.replay, times=times) * 1e3, 3)}


def _inferred(network: nn.Module, ids: torch.Tensor, mask: torch.Tensor) -> object:
    with torch.inference_mode():
        return network(ids, mask)


def compiled(
    device: Device, texts: Sequence[str], predictor: TransformerPredictor, *, budget: int, plan: Plan, seed: int
) -> dict[str, Any]:
    """The engine over the network as it is, and over what torch.compile makes of it for all shapes at once."""
    batches = token_batches(predictor, texts, budget=budget)
    network = torch.compile(network_of(predictor), dynamic=True)
    other = TorchEngine(network, device=device.torch, max_tokens=predictor.card.max_tokens)  # type: ignore[arg-type]
    arms: dict[str, Callable[[], object]] = {
        "as it is": partial(_lap, engine_of(predictor), batches),
        "compiled": partial(_lap, other, batches),
    }
    first = device.seconds(arms["compiled"], times=1)
    found = rates(
        device, arms, units=dict.fromkeys(arms, len(texts)), rounds=plan.rounds, seconds=plan.seconds, seed=seed
    )
    same = engine_of(predictor).embed_and_classify(batches[-1]).probabilities
    return {
        "budget": budget,
        "first_lap_seconds": round(first, 1),
        "largest_difference": float(np.abs(other.embed_and_classify(batches[-1]).probabilities - same).max()),
        "texts_per_second": msgspec.to_builtins(found),
    }
