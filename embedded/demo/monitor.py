"""Follows a stream from outside until every message is answered and learned, or something is wrong."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from textsieve.embedded.demo.live import Display
from textsieve.embedded.demo.producer_process import ProducerProcess
from textsieve.embedded.demo.progress import Progress
from textsieve.embedded.demo.workers import Workers
from textsieve.embedded.reading import Reader

STALL_SECONDS = 60.0  # without any progress: far above a takeover (11 s) and the broker's own timeouts
LEARNED_POLL_SECONDS = 0.25
MISSING_SHOWN = 3


@dataclass(slots=True)
class Monitor:
    """One run, seen through the topics and the store.

    Attributes:
        progress: what was seen so far.
        workers: the workers; one that ends early ends the watching.
        producer: the producer.
        reader: of all three topics.
        learned: how many results the clusters have counted.
        check_services: raises when broker or store have ended.
        show: presents the progress.
    """

    progress: Progress
    workers: Workers
    producer: ProducerProcess
    reader: Reader
    learned: Callable[[], int]
    check_services: Callable[[], None]
    show: Display
    _learned: int = 0
    _asked_at: float = float("-inf")

    def until_done(self, *, deadline_seconds: float) -> list[str]:
        """Wait until everything is answered and learned; what went wrong, if anything did, with the workers' words.

        Raises:
            EmbeddedError: Broker or store are gone: there will be nothing to summarise.
        """
        deadline = time.monotonic() + deadline_seconds
        moved_at, seen = time.monotonic(), self._seen()
        while not self._is_done():
            self.progress.add(self.reader.poll())
            self.show(self.progress)
            self.check_services()
            now = time.monotonic()
            if self._seen() != seen:
                moved_at, seen = now, self._seen()
            if failures := self.workers.ended() or self._producer_failures():
                return failures
            if now > deadline:
                return [f"not done within {deadline_seconds:.0f} s: {self._missing()}\n{self._logs()}"]
            if now - moved_at > STALL_SECONDS:
                return [f"nothing moved for {STALL_SECONDS:.0f} s: {self._missing()}\n{self._logs()}"]
        return []

    def _is_done(self) -> bool:
        report = self.producer.report() if self.producer.is_done else None
        if report is None or len(self.progress.inputs) < report.acked or self.progress.lag:
            return False
        if time.monotonic() - self._asked_at > LEARNED_POLL_SECONDS:
            self._learned, self._asked_at = self.learned(), time.monotonic()
        return self._learned == self.progress.labelled

    def _producer_failures(self) -> list[str]:
        if not self.producer.is_done:
            return []
        report = self.producer.report()
        if report is None:
            return [f"the producer ended without a report\n{self.producer.tail()}"]
        if report.failed:
            return [f"the producer could not send {report.failed} messages\n{self.producer.tail()}"]
        return []

    def _seen(self) -> tuple[int, int]:
        return len(self.progress.inputs) + len(self.progress.answered), self._learned

    def _missing(self) -> str:
        unanswered = sorted(self.progress.inputs - self.progress.answered)
        examples = ", ".join(f"{topic}/{partition}/{offset}" for topic, partition, offset in unanswered[:MISSING_SHOWN])
        return (
            f"{len(unanswered)} of {len(self.progress.inputs)} messages unanswered ({examples or 'none'}),"
            f" {self._learned} of {self.progress.labelled} results learned,"
            f" producer {'done' if self.producer.is_done else 'still running'}"
        )

    def _logs(self) -> str:
        return f"{self.workers.tails()}\n{self.producer.tail()}"
