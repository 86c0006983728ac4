"""Counts of event time that is still open, and the burst test that they go through."""

from collections import Counter
from collections.abc import Mapping, Sequence

from textsieve.worker.campaigns.bursts import BUCKET_MS, WINDOW_BUCKETS, Burst, BurstState, BurstTest


class BurstWatch:
    """Gathers the messages of each bucket until event time has passed it, and says which campaigns burst.

    Campaigns without a past are told as soon as their messages are there, all others when their bucket is closed.
    Messages that come later than that are left out, and counted.

    Args:
        state: of another watch, to go on where it was.
    """

    __slots__ = ("_campaigns", "_messages", "_test", "late")

    def __init__(self, state: BurstState | None = None) -> None:
        self._test = BurstTest() if state is None else BurstTest.restored(state)
        self._campaigns: dict[int, Counter[str]] = {}  # of open buckets
        self._messages: Counter[int] = Counter()
        self.late = 0

    @property
    def test(self) -> BurstTest:
        """What has been learned, of closed buckets alone."""
        return self._test

    def open(self) -> Mapping[int, tuple[Mapping[str, int], int]]:
        """What buckets that are not closed hold: messages of each campaign, and all."""
        return {bucket: (dict(self._campaigns[bucket]), messages) for bucket, messages in self._messages.items()}

    def observe(self, bucket: int, campaigns: Mapping[str, int], *, messages: int) -> None:
        """Add messages of one bucket.

        Args:
            bucket: event time / BUCKET_MS.
            campaigns: messages of each campaign.
            messages: all of them.
        """
        if self._test.bucket is not None and bucket < self._test.bucket:
            self.late += messages
            return
        self._campaigns.setdefault(bucket, Counter()).update(campaigns)
        self._messages[bucket] += messages

    def advance(self, watermark_ms: int | None) -> Sequence[Burst]:
        """Close what event time has passed; returns the bursts, each campaign once for every bucket closed.

        Args:
            watermark_ms: the event time before which nothing more is expected; None: everything is.
        """
        passed = -1 if watermark_ms is None else watermark_ms // BUCKET_MS
        return [*self.close_through(passed - 1), *self.early()]

    def close_through(self, last: int) -> Sequence[Burst]:
        """Close all buckets up to one; returns the bursts of each."""
        bursts: list[Burst] = []
        for bucket in sorted(bucket for bucket in self._messages if bucket <= last):
            found = self._test.close(bucket, self._campaigns.pop(bucket), messages=self._messages.pop(bucket))
            bursts.extend(found)
        return bursts

    def early(self) -> Sequence[Burst]:
        """Bursts of campaigns without a past, in the newest buckets that are open."""
        last = max(self._messages, default=0)
        window = [bucket for bucket in self._messages if bucket > last - WINDOW_BUCKETS]
        counts: Counter[str] = Counter()
        for bucket in window:
            counts.update(self._campaigns[bucket])
        return self._test.early(counts, messages=sum(self._messages[bucket] for bucket in window))
