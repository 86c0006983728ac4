"""`python -m worker.inference.background_search.process PARENT KEY`: finds a model's fastest engine, unhurried.

A worker starts it (`worker.inference.background_search.thread`): PARENT is the process id of that worker, with which it
ends, and KEY belongs to its search. Reads model settings as JSON from standard input, writes the report as JSON to
standard output, and keeps it in the cache of artifacts for other workers; one at a time on a machine searches. It is
the first to give way: lowest priority, and the first to be killed where memory runs out. What an engine costs is its
processor time, not what a clock on the wall shows on a busy machine.
"""

import ctypes
import fcntl
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from textsieve.worker import logs
from textsieve.worker.errors import TextsieveError
from textsieve.worker.inference.engines.report import EngineReport
from textsieve.worker.inference.loading import read_model
from textsieve.worker.inference.tuning.selection import EngineSearch, autotuner_of, prepare_search
from textsieve.worker.settings import ModelSettings

SEARCHED_BY_ANOTHER = 75  # exit status: EX_TEMPFAIL of sysexits.h
LOWEST_PRIORITY = 19
_SET_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of prctl(2)


def main(arguments: Sequence[str]) -> int:
    """Search, and say what was found; exits with 1 where nothing was, SEARCHED_BY_ANOTHER where others are at it."""
    parent, key = int(arguments[0]), arguments[1]
    _give_way()
    if os.getppid() != parent:  # it ended while this process imported, before it could ask to end with it
        return 1
    logs.configure(level="warning", style="json")
    settings = ModelSettings.model_validate_json(sys.stdin.read())
    with search_lock() as alone:
        if not alone:
            return SEARCHED_BY_ANOTHER
        try:
            search = prepare_search(read_model(settings), settings)
            if not isinstance(search, EngineSearch) or search.key != key:
                sys.stderr.write("expected the model and the machine of the worker's start, got others; start it again")
                return 1
            report = found(search, parent=parent)
        except TextsieveError as error:
            sys.stderr.write(str(error))
            return 1
    if report is None:
        return 1
    sys.stdout.write(msgspec.json.encode(report).decode())
    return 0


def found(search: EngineSearch, *, parent: int) -> EngineReport | None:
    """What another process has found meanwhile, or these trials; None where the worker that asked is gone.

    Raises:
        ConfigurationError: none of the candidates runs.
        PredictorError: the reference does not run.
    """
    known = search.answer()
    if known and known.settled:
        return known
    threads = search.builder.cores
    report = None
    for step in autotuner_of(search, clock=lambda: time.process_time() / threads).steps():
        if step is not None and (report is None or step.candidate != report.candidate):
            search.keep(step)  # the best so far: whatever ends this process, the next start begins with it
        report = step or report
        if os.getppid() != parent:
            return None
    if report is not None:
        search.keep(report)
    return report


@contextmanager
def search_lock() -> Iterator[bool]:
    """Whether no other process on this machine searches for engines now, and so it stays while this goes on."""
    try:
        path = Path(tempfile.gettempdir()) / f"textsieve-trying-{os.getuid()}.lock"
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError:  # nowhere to write: then nobody can know
        yield True
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        yield False
    except OSError:  # a file system without locks
        yield True
    else:
        yield True
    finally:
        os.close(descriptor)


def _give_way() -> None:
    """Lowest priority, first to be killed, gone with the worker; as far as the system has such things."""
    os.nice(LOWEST_PRIORITY)
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_SET_DEATH_SIGNAL, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
