"""What a worker asks of its process: signals, the garbage collector, the clock and versions."""

import gc
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata

import structlog

GC_ALLOCATIONS = 50_000  # containers between two looks of the collector: some batches, a few MB at most


@contextmanager
def stopping_on_signals(deadline_seconds: float, log: structlog.stdlib.BoundLogger) -> Iterator[threading.Event]:
    """SIGTERM and SIGINT ask for a graceful stop; a second one, or the deadline, ends the process at once."""
    stop = threading.Event()

    def ask(signum: int, _frame: object) -> None:
        if stop.is_set():
            os._exit(1)
        stop.set()
        signal.setitimer(signal.ITIMER_REAL, deadline_seconds)
        log.info("stopping", signal=signal.Signals(signum).name, deadline_seconds=deadline_seconds)

    def give_up(_signum: int, _frame: object) -> None:
        log.error("not stopped within delivery.shutdown_seconds: ending at once; the next owner repeats the rest")
        os._exit(1)

    handlers = {signal.SIGTERM: ask, signal.SIGINT: ask, signal.SIGALRM: give_up}
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield stop
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            signal.signal(number, handler)


def freeze_garbage() -> None:
    """What is loaded by now stays: the collector need not look at it again and again, nor at every few messages."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_ALLOCATIONS)


def now_ms() -> int:
    """Unix time in milliseconds."""
    return time.time_ns() // 1_000_000


def package_version(package: str = "textsieve") -> str:
    """The version of an installed package; `uninstalled` where there is none."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "uninstalled"
