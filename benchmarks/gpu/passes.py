"""The engine alone: texts per second by arithmetic and by tokens of a device batch, with copies, without tokenising."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import msgspec
from torch import nn
from transformers import AutoConfig

from benchmarks.gpu.device import Device
from benchmarks.gpu.plan import Plan
from benchmarks.gpu.rounds import rates
from benchmarks.speed.engines import flop_per_token
from textsieve.worker.batching import cut_batches
from textsieve.worker.inference.engines.engine import Engine, TokenBatch
from textsieve.worker.inference.prediction.transformer import TransformerPredictor


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
