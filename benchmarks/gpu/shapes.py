"""What a shape costs that comes for the first time, and what launching a pass kernel by kernel costs."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import msgspec
import numpy as np
import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from benchmarks.gpu.device import Device
from benchmarks.gpu.passes import network_of, token_batches
from benchmarks.gpu.plan import Plan
from benchmarks.gpu.rounds import rates
from textsieve.worker.inference.engines.engine import TokenBatch
from textsieve.worker.inference.engines.torch import ATTENTION
from textsieve.worker.inference.prediction.transformer import TransformerPredictor

EVERY = [*ATTENTION, SDPBackend.CUDNN_ATTENTION]


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
        name: partial(_lap, network, device, batches) for name, network in networks.items()
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


def _lap(network: nn.Module, device: Device, batches: Sequence[TokenBatch]) -> None:
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
