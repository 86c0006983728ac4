"""Follows a stream from outside until every message is answered and learned, or something is wrong."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from textsieve.embedded.feeding import Feed
from textsieve.embedded.live import Show
from textsieve.embedded.progress import Progress
from textsieve.embedded.reading import Reader
from textsieve.embedded.workers import Crew

STALL_SECONDS = 60.0  # without any progress: far above a takeover (11 s) and the broker's own timeouts
LEARNED_POLL_SECONDS = 0.25
MISSING_SHOWN = 3


@dataclass(slots=True)
class Watch:
    """One run, seen through the topics and the store.

    Attributes:
        progress: what was seen so far.
        crew: the workers; one that ends early ends the watch.
        feed: the producer.
        reader: of all three topics.
        learned: how many results the clusters have counted.
        check_services: raises when broker or store have ended.
        show: presents the progress.
    """

    progress: Progress
    crew: Crew
    feed: Feed
    reader: Reader
    learned: Callable[[], int]
    check_services: Callable[[], None]
    show: Show
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
            if complaints := self.crew.ended() or self._feed_complaints():
                return complaints
            if now > deadline:
                return [f"not done within {deadline_seconds:.0f} s: {self._missing()}\n{self._words()}"]
            if now - moved_at > STALL_SECONDS:
                return [f"nothing moved for {STALL_SECONDS:.0f} s: {self._missing()}\n{self._words()}"]
        return []

    def _is_done(self) -> bool:
        account = self.feed.account() if self.feed.is_done else None
        if account is None or len(self.progress.inputs) < account.acked or self.progress.lag:
            return False
        if time.monotonic() - self._asked_at > LEARNED_POLL_SECONDS:
            self._learned, self._asked_at = self.learned(), time.monotonic()
        return self._learned == self.progress.labelled

    def _feed_complaints(self) -> list[str]:
        if not self.feed.is_done:
            return []
        account = self.feed.account()
        if account is None:
            return [f"the producer ended without an account\n{self.feed.tail()}"]
        if account.failed:
            return [f"the producer could not send {account.failed} messages\n{self.feed.tail()}"]
        return []

    def _seen(self) -> tuple[int, int]:
        return len(self.progress.inputs) + len(self.progress.answered), self._learned

    def _missing(self) -> str:
        unanswered = sorted(self.progress.inputs - self.progress.answered)
        examples = ", ".join(f"{topic}/{partition}/{offset}" for topic, partition, offset in unanswered[:MISSING_SHOWN])
        return (
            f"{len(unanswered)} of {len(self.progress.inputs)} messages unanswered ({examples or 'none'}),"
            f" {self._learned} of {self.progress.labelled} results learned,"
            f" producer {'done' if self.feed.is_done else 'still running'}"
        )

    def _words(self) -> str:
        return f"{self.crew.tails()}\n{self.feed.tail()}"
