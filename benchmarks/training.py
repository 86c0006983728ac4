"""What a step of fine-tuning costs in float32 and in bf16, and whether the models are as good.

Steps are the trainer's own, on texts of SMS spam; the arms take turns, step by step, and seconds are the process's own
on one thread, so that what else the machine does counts little. Then models are trained on 1,200 of the texts with
several seeds, and answer a fifth that none has seen. TEXTSIEVE_DATA names the folder with sms_spam.jsonl.gz.

    python -m benchmarks.training --steps 12 --seeds 3
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import nn

from benchmarks.machine import described
from textsieve.trainer.commands.options import training_settings
from textsieve.trainer.data.examples import Examples
from textsieve.trainer.data.reading import read_examples
from textsieve.trainer.data.splits import split
from textsieve.trainer.evaluation.significance import f1_of
from textsieve.trainer.evaluation.target_metric import counted_labels
from textsieve.trainer.experiments.runs import Groupings, attempt
from textsieve.trainer.training.config import Recipe
from textsieve.trainer.training.fine_tuned_model import Part
from textsieve.trainer.training.fine_tuning import GREATEST_NORM
from textsieve.trainer.training.forward_pass import Material, Passes
from textsieve.trainer.training.length_batches import length_grouped
from textsieve.trainer.training.linear_probe import embed
from textsieve.trainer.training.losses import drift, label_loss
from textsieve.trainer.training.optimizer import make_optimizer
from textsieve.trainer.training.precision import arithmetic
from textsieve.worker.inference.layers import LinearHead, activation_of
from textsieve.worker.inference.loading import load_embedder
from textsieve.worker.inference.networks import EncoderNetwork

HERE = Path(__file__).parent
CPU = torch.device("cpu")
LEARNED = 1200  # texts
RECIPE = Recipe(epochs=2)
SETTINGS = training_settings("default", revision=None, device="cpu", threads=1, max_tokens=128)


@dataclass(frozen=True, slots=True)
class Arm:
    """One way to take a step."""

    name: str
    precision: Literal["fp32", "bf16"]
    fused: bool  # whether the optimizer goes over all weights at once


@dataclass(frozen=True, slots=True)
class Step:
    """Milliseconds of CPU time, medians over the steps."""

    forward: float
    backward: float
    optimizer: float  # clipping included
    whole: float


@dataclass(frozen=True, slots=True)
class Trained:
    """One model."""

    precision: str
    seed: int
    f1: float  # of spam
    mistakes: int
    cosine: float  # mean, of the embeddings of the test texts to the original ones
    cpu_seconds: float  # original embeddings not included


ARMS = (Arm("fp32, one operation at a time", "fp32", False), Arm("fp32", "fp32", True), Arm("bf16", "bf16", True))


def main() -> int:
    """Measure, write results/training.json."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=12, help="timed, of each arm")
    parser.add_argument("--seeds", type=int, default=3, help="models of each arithmetic")
    parser.add_argument("--results", type=Path, default=HERE / "results", help="where the file goes")
    options = parser.parse_args()
    if "TEXTSIEVE_DATA" not in os.environ:
        parser.error("TEXTSIEVE_DATA: expected the folder with sms_spam.jsonl.gz, got none")
    torch.set_num_threads(1)
    examples = read_examples(Path(os.environ["TEXTSIEVE_DATA"]) / "sms_spam.jsonl.gz")
    cut = split(examples, share=0.2, seed=0)
    rest = examples.pick(cut.train)
    few = _embedded(rest.pick(split(rest, share=LEARNED / len(rest.kept), seed=0).test))
    test = _embedded(examples.pick(cut.test))
    outcome = {
        "steps": options.steps,
        "batch_size": RECIPE.batch_size,
        "milliseconds_of_a_step": {arm: asdict(step) for arm, step in steps(few, count=options.steps).items()},
        "learned": len(few.examples.kept),
        "judged": len(test.examples.kept),
        "models": [asdict(one) for one in models(few, test, seeds=options.seeds)],
        "machine": described("torch", "transformers", "numpy"),
    }
    text = json.dumps(outcome, indent=1)
    (options.results / "training.json").write_text(text + "\n", encoding="utf-8")
    print(text)
    return 0


def steps(train: Part, *, count: int) -> dict[str, Step]:
    """What a step of each arm takes, in turns on the same batches; the first two of each are not timed."""
    benches = {arm.name: _Bench.of(arm, train) for arm in ARMS}
    rng = np.random.default_rng(0)
    lengths = next(iter(benches.values())).material.tokens.lengths
    batches = length_grouped(lengths, batch_size=RECIPE.batch_size, rng=rng)[: count + 2]
    taken: dict[str, list[Step]] = {name: [] for name in benches}
    for rows in batches:
        for name, bench in benches.items():
            taken[name].append(bench.step(rows))
    parts = ("forward", "backward", "optimizer", "whole")
    return {
        name: Step(*(round(statistics.median(getattr(one, part) for one in found[2:]), 1) for part in parts))
        for name, found in taken.items()
    }


def models(train: Part, test: Part, *, seeds: int) -> Iterator[Trained]:
    """Train with each arithmetic and each seed, and judge."""
    names = test.examples.label_names
    targets, columns = test.examples.targets(names), counted_labels(test.examples, names, positive=None)
    for seed in range(seeds):
        for precision in ("fp32", "bf16"):
            began = time.process_time()
            with tempfile.TemporaryDirectory() as folder:
                answer = attempt(
                    train,
                    test,
                    groupings=Groupings({}, seeds=0),
                    encoder=SETTINGS,
                    recipe=replace(RECIPE, precision=precision, seed=seed),
                    work=Path(folder),
                    progress=lambda *_: None,
                )
            yield Trained(
                precision=precision,
                seed=seed,
                f1=round(f1_of(targets[:, columns], answer.decided[:, columns]), 4),
                mistakes=int((targets != answer.decided).any(axis=1).sum()),
                cosine=round(answer.cosine, 4),
                cpu_seconds=round(time.process_time() - began, 1),
            )


@dataclass(frozen=True, slots=True)
class _Bench:
    """A network of an arm's own, and what it learns."""

    arm: Arm
    passes: Passes
    optimizer: torch.optim.Optimizer
    material: Material

    @classmethod
    def of(cls, arm: Arm, train: Part) -> "_Bench":
        _, encoder = load_embedder(SETTINGS)
        names = train.examples.label_names
        rng = np.random.default_rng(0)
        weight = rng.normal(scale=0.02, size=(len(names), encoder.dim)).astype(np.float32)
        network = EncoderNetwork(
            encoder.model,
            pooling=encoder.pooling,
            head=LinearHead(weight, np.zeros(len(names), dtype=np.float32)),
            activation=activation_of(multi_label=False),
            head_pooling="cls",
        ).requires_grad_(requires_grad=True)
        network.train()
        optimizer = make_optimizer(network, RECIPE)
        for group in optimizer.param_groups:
            group["fused"] = arm.fused or None
        tokens = encoder.tokenizer.tokenize(train.examples.texts)
        material = Material(tokens, train.examples.targets(names), train.originals)
        return cls(arm, Passes(network, encoder.tokenizer, CPU, multi_label=False), optimizer, material)

    def step(self, rows: np.ndarray) -> Step:
        marks = [time.process_time()]
        with arithmetic(self.arm.precision, device=CPU):
            logits, embeddings = self.passes.logits(self.material, rows)
        targets = torch.from_numpy(self.material.targets[rows].astype(np.float32))
        loss = label_loss(logits.float(), targets, multi_label=False, weights=None)
        loss = loss + drift(embeddings, torch.from_numpy(self.material.originals[rows]))
        marks.append(time.process_time())
        self.optimizer.zero_grad()
        loss.backward()
        marks.append(time.process_time())
        nn.utils.clip_grad_norm_(self.passes.network.parameters(), GREATEST_NORM)
        self.optimizer.step()
        marks.append(time.process_time())
        parts = [1000 * (after - before) for before, after in pairwise(marks)]
        return Step(*parts, sum(parts))


def _embedded(examples: Examples) -> Part:
    embedder, _ = load_embedder(SETTINGS)
    return Part(examples, embed(embedder, examples.texts))


if __name__ == "__main__":
    sys.exit(main())
