"""Texts in, answers out, in one process: a plain torch loop, our predictor, and the whole pipeline around it."""

import copy
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray
from transformers import AutoModel, AutoTokenizer

from benchmarks.gpu.device import Device
from benchmarks.gpu.plan import Plan
from benchmarks.gpu.rounds import rates
from benchmarks.speed.texts import encoded
from textsieve.worker.clustering import minibatch
from textsieve.worker.clustering.minibatch import Clustering
from textsieve.worker.inference.bundle.reading import Bundle
from textsieve.worker.inference.networks.modules import pool
from textsieve.worker.inference.prediction.transformer import TransformerPredictor
from textsieve.worker.pipeline import Pipeline, build_pipeline
from textsieve.worker.records import Record
from textsieve.worker.settings import Settings

PLAIN_BATCHES = (32, 256, 1024)  # texts: what examples take, and what somebody takes who has a large device
LARGER_BUDGETS = (32_768, 65_536)  # tokens, beside the usual ones
CLUSTERS = 64  # the worker's default
DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


class Plain:
    """transformers as its pages say, by somebody who sorts by length: tokenise a batch, run it, pool, classify.

    Args:
        folder: of the encoder's files.
        bundle: whose head it is.
        precision: of the encoder.
    """

    def __init__(self, device: Device, folder: str, bundle: Bundle, precision: str) -> None:
        self._device = device.torch
        self._tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        self._model = AutoModel.from_pretrained(folder, dtype=DTYPES[precision], local_files_only=True)
        self._model = self._model.to(device.torch).eval()
        self._weight = torch.from_numpy(bundle.weight).to(device.torch)
        self._bias = torch.from_numpy(bundle.bias).to(device.torch)
        self._window = bundle.manifest.max_tokens

    @torch.inference_mode()
    def answer(self, texts: Sequence[str], *, batch: int) -> NDArray[np.float32]:
        """[texts, labels]: probabilities. The embeddings come to the host as well."""
        order = sorted(range(len(texts)), key=lambda row: len(texts[row]))
        found = np.empty((len(texts), len(self._bias)), np.float32)
        embeddings = np.empty((len(texts), self._weight.shape[1]), np.float32)
        for start in range(0, len(order), batch):
            rows = order[start : start + batch]
            fed = self._tokenizer(
                [texts[row] for row in rows],
                padding=True,
                truncation=True,
                max_length=self._window,
                return_tensors="pt",
            ).to(self._device)
            embedded = pool(self._model(**fed).last_hidden_state, fed["attention_mask"], "mean")
            logits = torch.nn.functional.linear(embedded, self._weight, self._bias)
            found[rows] = torch.softmax(logits, dim=-1).cpu().numpy()
            embeddings[rows] = embedded.cpu().numpy()
        return found


def larger(predictor: TransformerPredictor, budget: int) -> TransformerPredictor:
    """The same with another budget."""
    other = copy.copy(predictor)
    other.max_batch_tokens = budget
    return other


def pipeline_over(predictor: TransformerPredictor, *, seed: int) -> Pipeline:
    """The worker's own steps from bytes to bytes, with clusters that do not move."""
    centers = np.random.default_rng(seed).standard_normal((CLUSTERS, predictor.card.dim))
    centers /= np.linalg.norm(centers, axis=1, keepdims=True)
    estimator = minibatch.restore(Clustering(centers, np.ones(CLUSTERS)))
    return build_pipeline(
        Settings(),
        predictor=predictor,
        assign=partial(minibatch.assign, estimator, version=1),
        now_ms=lambda: time.time_ns() // 1_000_000,
    )


def loops(
    device: Device,
    texts: Sequence[str],
    predictor: TransformerPredictor,
    plain: Plain,
    *,
    plan: Plan,
    seed: int,
) -> dict[str, Any]:
    """Texts per second of each, for polls of several sizes; every arm answers the same polls."""
    pipeline = pipeline_over(predictor, seed=seed)
    found: dict[str, Any] = {"largest_difference": _difference(predictor, plain, texts[: plan.polls[0]])}
    for size in plan.polls:
        polls = [texts[start : start + size] for start in range(0, len(texts) - size + 1, size)]
        records = [_records(poll) for poll in polls]
        arms: dict[str, Callable[[], object]] = {
            **{
                f"plain loop, batches of {batch}": partial(_each, partial(plain.answer, batch=batch), polls)
                for batch in PLAIN_BATCHES
            },
            "tokenizer": partial(_each, predictor._tokenizer.tokenize, polls),  # noqa: SLF001
            "predictor": partial(_each, predictor.predict, polls),
            **{
                f"predictor, {budget} tokens": partial(_each, larger(predictor, budget).predict, polls)
                for budget in (LARGER_BUDGETS if device.is_cuda else ())
            },
            "pipeline": partial(_each, pipeline.process, records),
        }
        rated = rates(
            device,
            arms,
            units=dict.fromkeys(arms, size * len(polls)),
            rounds=plan.rounds,
            seconds=plan.seconds,
            seed=seed,
        )
        found[f"polls of {size}"] = msgspec.to_builtins(rated)
    return found


def _each(work: Callable[[Any], object], polls: Sequence[Any]) -> None:
    for poll in polls:
        work(poll)


def _difference(predictor: TransformerPredictor, plain: Plain, texts: Sequence[str]) -> float:
    """That both do the same task: the largest difference of a probability."""
    theirs = plain.answer(texts, batch=PLAIN_BATCHES[0])
    return round(float(np.abs(predictor.predict(texts).probabilities - theirs).max()), 6)


def _records(texts: Sequence[str]) -> list[Record]:
    return [
        Record("messages", 0, offset, None, value, 1_700_000_000_000) for offset, value in enumerate(encoded(texts))
    ]
