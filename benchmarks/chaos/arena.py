"""One arena, a process of its own: `python -m benchmarks.chaos.arena PLAN.json` runs its streams one after the other.

It is a process because a worker dies with the thread that started it: each arena starts and strikes from its main
thread. Its standard output is one JSON line per event and per judgement (benchmarks.chaos.outcome).
"""

import sys
from pathlib import Path

import msgspec
import redis
from kafka.errors import KafkaError

from benchmarks.chaos.errors import ChaosError
from benchmarks.chaos.ground import Ground
from benchmarks.chaos.outcome import Failed, Line
from benchmarks.chaos.plants import Plant
from benchmarks.chaos.schedule import Stream
from benchmarks.chaos.stream import Course, run_stream
from benchmarks.chaos.surroundings import surroundings
from textsieve.embedded.errors import EmbeddedError
from textsieve.embedded.interruption import interruptible

INTERRUPTED = 130  # the exit code of a program that ctrl-C ended


class Plan(msgspec.Struct, frozen=True):
    """What an arena is told."""

    directory: str
    streams: list[Stream]
    ground: Ground
    plant: Plant = Plant.NONE


def main(path: Path) -> None:
    """Run all streams of the plan."""
    plan = msgspec.json.decode(path.read_bytes(), type=Plan)
    directory = Path(plan.directory)
    try:
        with interruptible(), surroundings(plan.ground, directory) as around:
            course = Course(around, directory, plan.plant)
            for stream in plan.streams:
                for line in run_stream(stream, course):
                    _tell(line)
    except (ChaosError, EmbeddedError, KafkaError, redis.RedisError) as error:
        _tell(Failed(f"{type(error).__name__}: {error}"))
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def _tell(line: Line) -> None:
    sys.stdout.write(msgspec.json.encode(line).decode() + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
