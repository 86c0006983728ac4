"""One function for each section of the benchmark: from a setup to what it found."""

import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import msgspec
from rich.console import Console

from benchmarks.speed import clusters as clustering
from benchmarks.speed import forward, workers
from benchmarks.speed import guarantee as guarantees
from benchmarks.speed import metering as meters
from benchmarks.speed.figures import Spread, order, quotients
from benchmarks.speed.latency import latencies
from benchmarks.speed.plan import Plan
from benchmarks.speed.rounds import System, measure, rival, textsieve
from benchmarks.speed.task import Task
from benchmarks.speed.testbed import TestBed
from benchmarks.speed.texts import Texts, chosen, cycled, data_folder, encoded, read, shuffled, with_repeats
from benchmarks.speed.workers import Throughput
from benchmarks.studies import memory as memory_benchmark

Found = dict[str, Any]
FP32, AUTO = ("model.precision=fp32",), ()
LOADS = (0.1, 0.5, 0.8)  # of capacity
REPEATS = (0.0, 0.1, 0.5, 0.9)
CACHE = "model.cache_messages=20000"
ENGINE_SECONDS = 1500.0
METERED_MESSAGES = 100_000
CLUSTER_LOADS = ((64, 0.02), (1000, 0.10))  # k, and the share of time that is allowed
RACERS = (1, 2, 4, 8)
CHECKPOINT_SECONDS = 1.0  # the default
CLUSTER_PATIENCE_SECONDS = 120.0  # 10,000 rows are seeded into 1,000 clusters first


@dataclass(frozen=True, slots=True)
class Setup:
    """Everything that is made before anything is measured."""

    testbed: TestBed
    plan: Plan
    seed: int
    texts: Texts
    models: Path
    quix: Path
    topic: str  # filled, read by every system
    console: Console

    @classmethod
    def prepare(cls, testbed: TestBed, plan: Plan, *, seed: int, quix: Path, console: Console) -> "Setup":
        """Choose the texts, make the models, fill the topic."""
        texts = chosen(seed=seed, folder=data_folder())
        console.print(f"{len(texts.rows)} distinct texts of {texts.origin}; making the rivals' models ...")
        models = testbed.directory / "models"
        child = testbed.start("models", ["-m", "benchmarks.speed.models", str(models)])
        if child.wait(patience_seconds=300):
            raise SystemExit(f"the rivals' models could not be made:\n{child.tail(30)}")
        topic = testbed.topic("messages")
        testbed.fill(topic, encoded(cycled(texts.rows, plan.messages)))
        return cls(testbed, plan, seed, texts, models, quix, topic, console)

    @property
    def has_quix(self) -> bool:
        """Whether quix-streams was installed in its folder."""
        return (self.quix / "quixstreams").is_dir()

    def rates(self, systems: list[System], topic: str, *, rounds: int, seconds: float) -> dict[str, Spread]:
        """Messages per second of every system, round by round in a changing order."""
        by_name = {system.name: system for system in systems}
        rates: dict[str, list[float]] = {name: [] for name in by_name}
        for names in order(list(by_name), seed=self.seed, rounds=rounds):
            for name in names:
                rate = measure(self.testbed, by_name[name], topic, model=str(self.models), seconds=seconds)
                rates[name].append(round(rate, 2))
                self.console.print(f"  {name}: {rate:.1f} messages/s")
        return {name: Spread.of(found) for name, found in rates.items()}


def engines(setup: Setup, _found: Found) -> Any:
    """(b) the roof, raw forward passes, agreement with fp32, (e) lengths: in one child on the measured core."""
    plan, folder = setup.plan, data_folder()
    data = {"texts of this run": list(setup.texts.rows)}
    if folder is not None:
        paths = {name: folder / f"{name}.jsonl.gz" for name in ("sms_spam", "banking77")}
        data = {
            name: list(shuffled(read(path), seed=setup.seed)) for name, path in paths.items() if path.is_file()
        } or data
    task = Task(
        engines=list(plan.engines),
        texts=list(setup.texts.rows[: plan.engine_texts]),
        accuracy={name: rows[: plan.accuracy_texts] for name, rows in data.items()},
        rounds=plan.engine_rounds,
        gemm_seconds=plan.gemm_seconds,
        forward_seconds=plan.forward_seconds,
        length_seconds=plan.length_seconds,
        cache=str(setup.testbed.directory / "cache"),
    )
    path = setup.testbed.directory / "engines.json"
    path.write_bytes(msgspec.json.encode(task))
    child = setup.testbed.start("engines", ["-m", "benchmarks.speed.engines", str(path)])
    if child.wait(patience_seconds=ENGINE_SECONDS):
        raise SystemExit(f"the engines could not be measured:\n{child.tail(30)}")
    return msgspec.json.decode(child.tail(1))


def side_by_side(setup: Setup, _found: Found) -> Any:
    """(a) the same topic, texts, weights and core for everybody."""
    systems = [
        rival("one at a time", "script", "single"),
        rival("competent script", "script", "batch"),
        *([rival("quix-streams", "quix", path=str(setup.quix))] if setup.has_quix else []),
        rival("hand loop fp32", "hand", "fp32"),
        rival("hand loop int8", "hand", "int8"),
        textsieve("textsieve fp32", *FP32),
        textsieve("textsieve auto", *AUTO),
    ]
    return setup.rates(systems, setup.topic, rounds=setup.plan.rounds, seconds=setup.plan.window_seconds)


def road(setup: Setup, _found: Found) -> Any:
    """The road around the model, beside a plain loop."""
    plan, tokenizer = setup.plan, str(setup.models / "encoder")
    topic = setup.testbed.topic("road")
    setup.testbed.fill(topic, encoded(cycled(setup.texts.rows, plan.road_messages)))
    module = "-mbenchmarks.speed.null"
    systems = [
        rival("plain loop", "plain"),
        textsieve("textsieve", module=(module, "none")),
        rival("plain loop, tokenising", "plain", "tokenise"),
        textsieve("textsieve, tokenising", module=(module, tokenizer)),
    ]
    found = setup.rates(systems, topic, rounds=plan.road_rounds, seconds=plan.road_seconds)
    setup.testbed.drop(topic)
    return found


def metering(setup: Setup, found: Found) -> Any:
    """What all metrics cost, of the time that a message takes on the road."""
    values = encoded(cycled(setup.texts.rows, METERED_MESSAGES))
    spread = meters.microseconds_per_message(values, rounds=3)
    rate = found.get("road", {}).get("textsieve", {}).get("median")
    return {
        "microseconds_per_message": spread,
        "metrics_share": spread.median * rate / 1e6 if rate else None,
    }


def latency(setup: Setup, found: Found) -> Any:
    """(c) percentiles at parts of the capacity that side_by_side has found."""
    capacity = found["side_by_side"]["textsieve auto"]["median"]
    return {
        f"{load:.0%}": latencies(
            setup.testbed,
            setup.texts.rows,
            AUTO,
            per_second=load * capacity,
            seconds=setup.plan.latency_seconds,
            seed=setup.seed,
        )
        for load in LOADS
    }


def guarantee(setup: Setup, _found: Found) -> Any:
    """Exactly once beside at least once, on three brokers: messages a second, and latency at half of the capacity."""
    plan, rows = setup.plan, setup.texts.rows
    with guarantees.on_three_brokers(setup.testbed) as testbed:
        there = replace(setup, testbed=testbed)
        topic = testbed.topic("messages")
        testbed.fill(topic, encoded(cycled(rows, plan.messages)))
        systems = [textsieve(way, *guarantees.settings(way)) for way in guarantees.WAYS]
        rates = there.rates(systems, topic, rounds=plan.guarantee_rounds, seconds=plan.window_seconds)
        load = min(rate.median for rate in rates.values()) / 2
        settings = {way: guarantees.settings(way) for way in guarantees.WAYS}
        told = {"per_second": load, "seconds": plan.latency_seconds, "seed": setup.seed}
        told |= {"linger_ms": guarantees.GATHER_MS, "warm_seconds": guarantees.WARM_SECONDS}
        return {
            "rates": rates,
            "factors": quotients(rates["exactly_once"].rounds, rates["at_least_once"].rounds),
            "latency": {way: latencies(testbed, rows, settings[way], **told) for way in guarantees.WAYS},
            "commit_milliseconds": guarantees.commit_milliseconds(testbed),
        }


def scale(setup: Setup, _found: Found) -> Any:
    """(d) one worker and two, each on a core; with two the broker has no core of its own. And the model alone."""
    plan = setup.plan
    throughputs: dict[int, list[Throughput]] = {1: [], 2: []}
    alone: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(plan.scale_rounds):
        for count, found in throughputs.items():
            throughput = workers.together(setup.testbed, setup.topic, AUTO, workers=count, seconds=plan.scale_seconds)
            found.append(throughput)
            alone[count].append(forward.together(setup.testbed, setup.texts.rows, processes=count))
            setup.console.print(
                f"  {count}: workers {throughput.rate:.1f}, the model alone {alone[count][-1]:.1f} messages/s"
            )
    rates = {
        count: Spread.of([round(throughput.rate, 2) for throughput in found]) for count, found in throughputs.items()
    }
    raw = {count: Spread.of([round(rate, 2) for rate in found]) for count, found in alone.items()}
    factors = quotients(rates[2].rounds, rates[1].rounds)
    return {
        **{str(count): spread for count, spread in rates.items()},
        "factor": factors.median,
        "factors": factors,
        "efficiency": factors.median / 2,
        "cores": {str(count): _median_cores(found) for count, found in throughputs.items()},
        "forward": {str(count): spread for count, spread in raw.items()},
        "forward_factors": quotients(raw[2].rounds, raw[1].rounds),
    }


def _median_cores(throughputs: list[Throughput]) -> dict[str, float]:
    return {
        name: round(median(throughput.cores[name] for throughput in throughputs), 3) for name in throughputs[0].cores
    }


def repeats(setup: Setup, _found: Found) -> Any:
    """(h) exact repeats with the cache on."""
    plan, result = setup.plan, {}
    for share in REPEATS:
        topic = setup.testbed.topic("repeats")
        rows = with_repeats(setup.texts.rows, 2 * plan.messages, share=share, seed=setup.seed)
        setup.testbed.fill(topic, encoded(rows))
        rates = setup.rates(
            [textsieve("textsieve auto", CACHE)], topic, rounds=plan.repeat_rounds, seconds=plan.window_seconds / 2
        )
        result[f"{share:.0%}"] = rates["textsieve auto"]
        setup.testbed.drop(topic)
    return result


def start_up(setup: Setup, _found: Found) -> Any:
    """(g) from nothing to ready, without and with the exported graphs and the calibration of an earlier start."""
    fresh = setup.testbed.directory / "fresh-cache"
    shutil.rmtree(fresh, ignore_errors=True)
    settings = (f"model.cache_directory={fresh}",)
    return {name: workers.start_seconds(setup.testbed, setup.topic, settings) for name in ("cold cache", "warm cache")}


def clusters(setup: Setup, found: Found) -> Any:
    """What the clusters cost a worker at full speed, for 64 and for 1,000 of them."""
    rate = found.get("side_by_side", {}).get("textsieve auto", {}).get("median", 300.0)
    result = {}
    for k, allowed in CLUSTER_LOADS:
        batch = min(1000, max(1, round(rate)))
        told = {"k": k, "per_second": rate, "batch": batch, "seconds": setup.plan.cluster_seconds, "seed": setup.seed}
        words = [setup.testbed.stack.redis_url, json.dumps(told)]
        child = setup.testbed.start("clusters", ["-m", "benchmarks.speed.clusters", *words])
        if child.wait(patience_seconds=CLUSTER_PATIENCE_SECONDS):
            raise SystemExit(f"the clusters could not be measured:\n{child.tail(30)}")
        result[str(k)] = {**json.loads(child.tail(1)), "allowed": allowed}
    return result


def contention(setup: Setup, found: Found) -> Any:
    """Simulated workers that share the centroids: at the pace of real checkpoints, and without a pause."""
    rate = found.get("side_by_side", {}).get("textsieve auto", {}).get("median", 300.0)
    return [
        clustering.contention(
            setup.testbed.stack.redis_url,
            workers=count,
            k=64,
            rows=min(1000, max(1, round(rate))),
            every_seconds=pause,
            seconds=setup.plan.race_seconds,
            seed=setup.seed,
            cores=setup.testbed.cores.all,
        )
        for pause in (CHECKPOINT_SECONDS, 0.0)
        for count in RACERS
    ]


def memory(setup: Setup, _found: Found) -> Any:
    """(f) resident memory of a worker over many messages: the method of benchmarks/studies/memory.py."""
    outcome = memory_benchmark.measure(setup.plan.memory_messages)
    names = ("messages", "seconds", "rss_start_mib", "rss_end_mib", "growth_mib", "limit_mib")
    return {name: getattr(outcome, name) for name in names}
