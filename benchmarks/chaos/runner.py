"""A process of its own, `python -m benchmarks.chaos.runner CONFIG.json`: runs its streams one after the other.

It is a process because a worker dies with the thread that started it: each runner starts workers and injects faults
from its main thread. Its standard output is one JSON line per fault and per stream (benchmarks.chaos.reports).
"""

import sys
from pathlib import Path

import msgspec
import redis
from kafka.errors import KafkaError

from benchmarks.chaos.deployment import Deployment
from benchmarks.chaos.errors import ChaosError
from benchmarks.chaos.mutants import Mutant
from benchmarks.chaos.reports import Report, RunnerFailed
from benchmarks.chaos.schedule import Stream
from benchmarks.chaos.services import services_of
from benchmarks.chaos.stream import StreamContext, run_stream
from textsieve.embedded.errors import EmbeddedError
from textsieve.embedded.interruption import interruptible

INTERRUPTED = 130  # the exit code of a program that ctrl-C ended


class RunnerConfig(msgspec.Struct, frozen=True):
    """What a runner is told."""

    directory: str
    streams: list[Stream]
    deployment: Deployment
    mutant: Mutant = Mutant.NONE


def main(path: Path) -> None:
    """Run all streams of the plan."""
    config = msgspec.json.decode(path.read_bytes(), type=RunnerConfig)
    directory = Path(config.directory)
    try:
        with interruptible(), services_of(config.deployment, directory) as services:
            context = StreamContext(services, directory, config.mutant)
            for stream in config.streams:
                for report in run_stream(stream, context):
                    _send(report)
    except (ChaosError, EmbeddedError, KafkaError, redis.RedisError) as error:
        _send(RunnerFailed(f"{type(error).__name__}: {error}"))
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def _send(report: Report) -> None:
    sys.stdout.write(msgspec.json.encode(report).decode() + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
