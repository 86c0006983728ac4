"""Carries one stream through its events and has it judged."""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from random import Random

from benchmarks.chaos.crew import Crew
from benchmarks.chaos.errors import StrikeMissed
from benchmarks.chaos.evidence import examine
from benchmarks.chaos.feeder import Feeder
from benchmarks.chaos.follower import Follower
from benchmarks.chaos.kinds import Kind
from benchmarks.chaos.outcome import Event, Judged, Line
from benchmarks.chaos.plants import Plant
from benchmarks.chaos.scene import Scene
from benchmarks.chaos.schedule import Stream
from benchmarks.chaos.striking_brokers import await_whole
from benchmarks.chaos.surroundings import Surroundings
from textsieve.embedded.topics import Names, create_topics, delete_topics

PARTITIONS = 4
WORKERS = 2
RATE = 60.0  # messages per second: two workers do three times as much, so a takeover's backlog is soon gone
SESSION_SECONDS = 6.0  # of the embedded preset; asked of a real broker too
START_SECONDS = 120.0  # for the first workers to start, join and seed, on a busy machine
RECOVERY_SECONDS = 90.0  # after so long without progress an event counts as never recovered
DRAIN_SECONDS = 90.0  # without progress, for the last messages
TRIES = 3  # at a strike that found nobody with unfinished messages


@dataclass(frozen=True, slots=True)
class Course:
    """What is the same for all streams of an arena."""

    around: Surroundings
    directory: Path
    plant: Plant


def run_stream(stream: Stream, course: Course) -> Iterator[Line]:
    """Events as they happen, then the judgement.

    Raises:
        ChaosError, EmbeddedError: the surroundings failed.
    """
    began = time.monotonic()
    around = course.around
    names = _names(course.directory.name, stream)
    create_topics(around.bootstrap_servers, names, partitions=PARTITIONS)
    directory = course.directory / f"stream-{stream.number}"
    with ExitStack() as resources:
        opening = stream.kinds[0].point if stream.kinds[0].opens else None
        crew = resources.enter_context(
            Crew(
                WORKERS,
                _settings(around, names, stream.kinds[0]),
                directory=directory,
                plant=course.plant,
                armed=opening,
            )
        )
        follower = resources.enter_context(
            Follower(around.bootstrap_servers, around.store_client, names, partitions=PARTITIONS)
        )
        feeder = resources.enter_context(
            Feeder(around.bootstrap_servers, names.messages, partitions=PARTITIONS, rate=RATE, seed=stream.seed)
        )
        scene = Scene(around, names, crew, feeder, follower, Random(stream.seed), SESSION_SECONDS)
        if opening is None:
            scene.await_calm(seconds=START_SECONDS)
        for kind in stream.kinds:
            event = _strike(scene, kind, stream.number)
            yield event
            if event.counts and event.recovery_seconds is None:
                break  # the run has failed: what it came to is judged at once
        else:
            scene.until(follower.is_seeded, seconds=DRAIN_SECONDS)
        feeder.stop()
        if not scene.overdue:
            scene.await_calm(seconds=DRAIN_SECONDS)
        crew.stop()
        verdict = examine(around.bootstrap_servers, around.store_client, names, partitions=PARTITIONS)
        yield Judged(stream.number, stream.is_apart, verdict, time.monotonic() - began, tuple(crew.complaints))
    if verdict.is_good:
        delete_topics(around.bootstrap_servers, names)


def _strike(scene: Scene, kind: Kind, number: int) -> Event:
    before = scene.follower.repeated
    missed = ""
    for _ in range(TRIES):
        scene.blow, scene.overdue = None, False
        try:
            kind.strike(scene, kind.point)
            break
        except StrikeMissed as reason:
            missed = str(reason)
            scene.await_calm(seconds=RECOVERY_SECONDS)
    blow = scene.blow
    if blow is None:
        return Event(kind.name, number, 0, None, note=f"not struck: {missed}")
    recovered = not scene.overdue and scene.recovers(seconds=RECOVERY_SECONDS)
    seconds = time.monotonic() - blow.at
    if recovered:
        scene.await_calm(seconds=RECOVERY_SECONDS)
        await_whole(scene)
    repeated = scene.follower.repeated - before
    return Event(kind.name, number, blow.unfinished, round(seconds, 1) if recovered else None, repeated)


def _names(arena: str, stream: Stream) -> Names:
    return Names.ending(f"chaos-{arena}-{stream.number}-{stream.seed:08x}")


def _settings(around: Surroundings, names: Names, first: Kind) -> Sequence[str]:
    options = {
        "kafka.bootstrap_servers": around.bootstrap_servers,
        "kafka.preset": around.ground.preset_in_force,
        "delivery.guarantee": around.ground.guarantee_in_force,
        "kafka.session_timeout_ms": int(SESSION_SECONDS * 1000),
        "kafka.input_topics": names.messages,
        "kafka.output_topic": names.labels,
        "kafka.dead_letter_topic": names.dead_letters,
        "kafka.group_id": names.group,
        "redis.url": around.redis_url,
        "clusters.space": names.space,
        "clusters.k": 4,
        "clusters.seed_messages": int(RATE * first.pool_seconds),
        "http.port": 0,
    }
    return [f"{name}={value}" for name, value in options.items()]
