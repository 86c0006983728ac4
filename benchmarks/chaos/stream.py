"""Carries one stream through its faults and has it checked."""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from random import Random

from benchmarks.chaos.audit import audit
from benchmarks.chaos.broker_faults import await_whole
from benchmarks.chaos.errors import FaultMissed
from benchmarks.chaos.faults import Fault
from benchmarks.chaos.load import LoadGenerator
from benchmarks.chaos.monitor import Monitor
from benchmarks.chaos.mutants import Mutant
from benchmarks.chaos.reports import FaultReport, Report, StreamReport
from benchmarks.chaos.scenario import Scenario
from benchmarks.chaos.schedule import Stream
from benchmarks.chaos.services import Services
from benchmarks.chaos.workers import Workers
from textsieve.embedded.topics import Names, create_topics, delete_topics

PARTITIONS = 4
WORKERS = 2
RATE = 60.0  # messages per second: two workers do three times as much, so a takeover's backlog is soon gone
SESSION_SECONDS = 6.0  # of the embedded preset; asked of a real broker too
START_SECONDS = 120.0  # for the first workers to start, join and seed, on a busy machine
RECOVERY_SECONDS = 90.0  # after so long without progress an event counts as never recovered
DRAIN_SECONDS = 90.0  # without progress, for the last messages
TRIES = 3  # at a fault that found nobody with unfinished messages


@dataclass(frozen=True, slots=True)
class StreamContext:
    """What is the same for all streams of a runner."""

    services: Services
    directory: Path
    mutant: Mutant


def run_stream(stream: Stream, context: StreamContext) -> Iterator[Report]:
    """Faults as they happen, then what became of the stream.

    Raises:
        ChaosError, EmbeddedError: the surroundings failed.
    """
    began = time.monotonic()
    services = context.services
    names = _names(context.directory.name, stream)
    create_topics(services.bootstrap_servers, names, partitions=PARTITIONS)
    directory = context.directory / f"stream-{stream.number}"
    with ExitStack() as resources:
        opening = stream.faults[0].point if stream.faults[0].during_seeding else None
        workers = resources.enter_context(
            Workers(
                WORKERS,
                _settings(services, names, stream.faults[0]),
                directory=directory,
                mutant=context.mutant,
                armed=opening,
            )
        )
        monitor = resources.enter_context(
            Monitor(services.bootstrap_servers, services.store_client, names, partitions=PARTITIONS)
        )
        load = resources.enter_context(
            LoadGenerator(
                services.bootstrap_servers, names.messages, partitions=PARTITIONS, rate=RATE, seed=stream.seed
            )
        )
        scenario = Scenario(services, names, workers, load, monitor, Random(stream.seed), SESSION_SECONDS)
        if opening is None:
            scenario.await_calm(seconds=START_SECONDS)
        for fault in stream.faults:
            event = _inject(scenario, fault, stream.number)
            yield event
            if event.counts and event.recovery_seconds is None:
                break  # the run has failed: what it came to is judged at once
        else:
            scenario.wait_until(monitor.is_seeded, seconds=DRAIN_SECONDS)
        load.stop()
        if not scenario.overdue:
            scenario.await_calm(seconds=DRAIN_SECONDS)
        workers.stop()
        verdict = audit(services.bootstrap_servers, services.store_client, names, partitions=PARTITIONS)
        yield StreamReport(stream.number, stream.is_apart, verdict, time.monotonic() - began, tuple(workers.errors))
    if verdict.is_good:
        delete_topics(services.bootstrap_servers, names)


def _inject(scenario: Scenario, fault: Fault, number: int) -> FaultReport:
    before = scenario.monitor.repeated
    missed = ""
    for _ in range(TRIES):
        scenario.injection, scenario.overdue = None, False
        try:
            fault.inject(scenario, fault.point)
            break
        except FaultMissed as reason:
            missed = str(reason)
            scenario.await_calm(seconds=RECOVERY_SECONDS)
    injection = scenario.injection
    if injection is None:
        return FaultReport(fault.name, number, 0, None, note=f"not injected: {missed}")
    recovered = not scenario.overdue and scenario.recovers(seconds=RECOVERY_SECONDS)
    seconds = time.monotonic() - injection.at
    if recovered:
        scenario.await_calm(seconds=RECOVERY_SECONDS)
        await_whole(scenario)
    repeated = scenario.monitor.repeated - before
    return FaultReport(fault.name, number, injection.unfinished, round(seconds, 1) if recovered else None, repeated)


def _names(runner: str, stream: Stream) -> Names:
    return Names.ending(f"chaos-{runner}-{stream.number}-{stream.seed:08x}")


def _settings(services: Services, names: Names, first: Fault) -> Sequence[str]:
    options = {
        "kafka.bootstrap_servers": services.bootstrap_servers,
        "kafka.preset": services.deployment.preset_in_force,
        "delivery.guarantee": services.deployment.guarantee_in_force,
        "kafka.session_timeout_ms": int(SESSION_SECONDS * 1000),
        "kafka.input_topics": names.messages,
        "kafka.output_topic": names.labels,
        "kafka.dead_letter_topic": names.dead_letters,
        "kafka.group_id": names.group,
        "redis.url": services.redis_url,
        "clusters.space": names.space,
        "clusters.k": 4,
        "clusters.seed_messages": int(RATE * first.pool_seconds),
        "http.port": 0,
    }
    return [f"{name}={value}" for name, value in options.items()]
