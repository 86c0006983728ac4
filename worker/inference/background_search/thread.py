"""Lets another process find the fastest engine while a worker serves with a safe one, then changes over."""

import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

from textsieve.modules import module_command
from textsieve.worker import logs
from textsieve.worker.errors import ConfigurationError, PredictorError, TextsieveError
from textsieve.worker.inference.background_search.process import SEARCHED_BY_ANOTHER, search_lock
from textsieve.worker.inference.engines.report import EngineReport
from textsieve.worker.inference.prediction.transformer import TransformerPredictor
from textsieve.worker.inference.tuning.selection import EngineSearch, OpenedModel, within_settings

log = logs.get_logger("model")

LOOK_SECONDS = 5.0  # between looks at what others have found: a file is looked for
MOST_SECONDS = 600.0  # between attempts, which wait twice as long after each failure
_POLL_SECONDS = 0.5  # how soon an attempt ends when the worker stops
_END_SECONDS = 2.0  # for a process that was asked to end


class SearchedByAnother(TextsieveError):
    """Another process of this machine searches now: to wait is no failure."""


class SearchOnce(Protocol):
    """Tries all engines somewhere else."""

    def __call__(self, search: EngineSearch, stop: threading.Event) -> EngineReport | None:
        """The report; None where it was stopped or failed.

        Raises:
            SearchedByAnother: it was not its turn.
        """
        ...


@dataclass(slots=True)
class BackgroundSearch:
    """Goes on until the engine is found or the worker stops.

    Attributes:
        changed: told the report of the engine that answers from the next batch on; called in a thread.
        attempt: finds the report.
        stop: ends it.
    """

    search: EngineSearch
    predictor: TransformerPredictor
    changed: Callable[[EngineReport], None]
    attempt: SearchOnce
    stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Look at what others have found, else try; again and again, less and less often."""
        failures = 0
        pause = 0.0
        while not self.stop.wait(pause):
            pause = LOOK_SECONDS
            report = self.search.answer()
            if report is None or not report.settled:
                with search_lock() as free:
                    pass  # only a look: the attempt takes the turn itself
                if not free:
                    continue
                try:
                    report = self.attempt(self.search, self.stop)
                except SearchedByAnother:  # it began between the look and the attempt
                    continue
            failures += 1
            pause = min(MOST_SECONDS, LOOK_SECONDS * 2.0**failures)
            if report is not None and self._adopt(report):
                return

    def _adopt(self, report: EngineReport) -> bool:
        """Change over between batches; what was found before by chance is only confirmed."""
        report = within_settings(report, self.search.settings)
        before = self.predictor.report
        same = before is not None and before.candidate == report.candidate
        try:
            engine = None if same else self.search.builder.engine(report.candidate)
        except (ConfigurationError, PredictorError) as error:
            log.warning("the engine that was found cannot be made: the present one goes on", why=str(error))
            return False
        self.predictor.offer(report, engine)
        log.info("engine confirmed" if same else "engine changed", **msgspec.to_builtins(report))
        self.changed(report)
        return True


@contextmanager
def background_search(opened: OpenedModel, *, changed: Callable[[EngineReport], None]) -> Iterator[None]:
    """While this goes on a better engine is looked for, where it is not yet known."""
    if opened.search is None:
        yield
        return
    background = BackgroundSearch(opened.search, opened.predictor, changed, search_in_process)
    thread = threading.Thread(target=background.run, name="engine-search", daemon=True)
    thread.start()
    try:
        yield
    finally:
        background.stop.set()
        thread.join(_POLL_SECONDS + _END_SECONDS)


def search_in_process(search: EngineSearch, stop: threading.Event) -> EngineReport | None:
    """An attempt in another process, which is ended when `stop` is set.

    Raises:
        SearchedByAnother: a third process searches already.
    """
    command = [*module_command("textsieve.worker.inference.background_search.process"), str(os.getpid()), search.key]
    told: bytes | None = search.settings.model_dump_json().encode()
    pipe = subprocess.PIPE
    try:
        process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe)  # noqa: S603  # our own
    except OSError as error:  # no room for another process
        log.info("engines could not be tried yet", status=None, why=str(error))
        return None
    with process:
        while True:
            try:
                output, errors = process.communicate(told, timeout=_POLL_SECONDS)
                break
            except subprocess.TimeoutExpired:
                told = None  # it was sent
                if stop.is_set():
                    process.kill()  # it holds nothing that anybody needs
    if process.returncode == 0:
        try:
            return msgspec.json.decode(output, type=EngineReport)
        except msgspec.MsgspecError:
            return None
    if process.returncode == SEARCHED_BY_ANOTHER:
        raise SearchedByAnother
    if process.returncode > 0 and not stop.is_set():
        why = errors.decode(errors="replace").strip().rpartition("\n")[2][:300]
        log.info("engines could not be tried yet", status=process.returncode, why=why)
    return None
