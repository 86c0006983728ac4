"""Counts of event time that is still open, and the burst test that they go through."""

from collections import Counter
from collections.abc import Mapping, Sequence

from textsieve.worker.campaigns.bursts import WINDOW_BUCKETS, Burst, BurstState, BurstTest


class BurstWatch:
    """Gathers the messages of each bucket until event time has passed it, and says which campaigns burst.

    Campaigns without a past are told as soon as their messages are there, all others when their bucket is closed.
    Messages that come later than that are left out.

    Args:
        state: of another watch, to go on where it was.
    """

    __slots__ = ("_campaigns", "_messages", "_test")

    def __init__(self, state: BurstState | None = None) -> None:
        self._test = BurstTest() if state is None else BurstTest.restored(state)
        self._campaigns: dict[int, Counter[str]] = {}  # of open buckets
        self._messages: Counter[int] = Counter()

    @property
    def test(self) -> BurstTest:
        """What has been learned, of closed buckets alone."""
        return self._test

    def observe(self, bucket: int, campaigns: Mapping[str, int], *, messages: int) -> None:
        """Add messages of one bucket.

        Args:
            bucket: event time / BUCKET_MS.
            campaigns: messages of each campaign.
            messages: all of them.
        """
        if self._test.bucket is not None and bucket < self._test.bucket:
            return
        self._campaigns.setdefault(bucket, Counter()).update(campaigns)
        self._messages[bucket] += messages

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
