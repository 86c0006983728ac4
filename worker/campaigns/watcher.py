"""One of the workers looks at the counts of all, and tells alarms."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec

from textsieve.worker import logs
from textsieve.worker.campaigns.alarm_store import AlarmStore
from textsieve.worker.campaigns.alarms import Alarm, AlarmBook, OpenAlarm
from textsieve.worker.campaigns.buckets import BurstWatch
from textsieve.worker.campaigns.bursts import BUCKET_MS, WINDOW_BUCKETS, BurstState
from textsieve.worker.campaigns.counts import BucketCounts, bucket_counts, table
from textsieve.worker.campaigns.watermark import LATENESS_MS, PartitionTime, observed, watermark
from textsieve.worker.counting.counters import CounterStore
from textsieve.worker.errors import StoreUnavailable
from textsieve.worker.records import Partition

log = logs.get_logger("alarms")

LEASE_MS: Final = 15_000  # after which another worker may look, where the one that did is gone
MAX_BUCKETS: Final = 360  # followed at a look: an hour of event time; what a longer lag brings comes at the next ones
BACKLOG_BUCKETS: Final = 6 * 360  # where nobody has looked yet: six hours, of which the first one is silent


class WatchState(msgspec.Struct, frozen=True):
    """What whoever looks next has to know.

    Attributes:
        first: the first bucket that is not closed; None: nothing was ever counted.
    """

    first: int | None = None
    bursts: BurstState | None = None
    alarms: tuple[OpenAlarm, ...] = ()


class AlarmWatcher:
    """Looks at the counts of buckets that are not closed, once in a while, while it has the lease.

    Alarms and the state they follow from are saved in one step, so that a worker that dies in between tells none twice
    and forgets none.

    Args:
        counters: the counts of all workers.
        store: state, lease and outbox.
        owner: this worker.
        describe: makes of an alarm, and of the counts at hand, what is published.
        now_ms: a clock that tells how long ago a partition was heard of; all else goes by the store's.
    """

    def __init__(
        self,
        counters: CounterStore,
        store: AlarmStore,
        *,
        owner: str,
        describe: Callable[[Alarm, Mapping[int, BucketCounts]], bytes],
        now_ms: Callable[[], int],
    ) -> None:
        self._counters, self._store, self._owner = counters, store, owner
        self._describe, self._now_ms = describe, now_ms
        self._times: Mapping[Partition, PartitionTime] = {}
        self._newest: dict[Partition, tuple[int, int]] = {}
        self._state: WatchState | None = None

    def look(self, latest_ms: Mapping[Partition, int], *, earliest_ms: int | None = None) -> Sequence[Alarm] | None:
        """Read, test, and save what is told.

        Args:
            latest_ms: largest event time of each partition that this worker has counted.
            earliest_ms: where to begin if nobody has looked yet; None: at the latest.

        Returns:
            What is told, and in the outbox; None: another worker looks, or nothing was counted.

        Raises:
            StoreUnavailable: the store does not answer; the next look makes up for this one.
        """
        if not latest_ms:
            return None  # without partitions a worker would hold the lease and tell nothing
        try:
            looked = self._look(latest_ms, earliest_ms)
        except StoreUnavailable:
            self._forget()  # whether the last state was saved is not known
            raise
        if looked is None:
            self._forget()
        return looked

    def _forget(self) -> None:
        """Take every partition as heard of at the next look: while nobody looked, none could be told to be idle."""
        self._state, self._times, self._newest = None, {}, {}

    def _look(self, latest_ms: Mapping[Partition, int], earliest_ms: int | None) -> Sequence[Alarm] | None:
        newest_ms, known = max(latest_ms.values()), self._state is not None
        lease = self._store.acquire(self._owner, latest_ms=newest_ms, lease_ms=LEASE_MS, known=known)
        if lease is None:
            return None
        state = self._state if lease.state is None else _decoded(lease.state)
        limit_ms = lease.now_ms + LATENESS_MS
        if state is None or (state.first or 0) * BUCKET_MS > limit_ms:
            state = WatchState()  # saved by a store whose clock was ahead: it would be deaf until that time
        latest = min(lease.latest_ms, limit_ms) // BUCKET_MS
        begin = latest if earliest_ms is None else max(earliest_ms // BUCKET_MS, latest - BACKLOG_BUCKETS)
        first = begin if state.first is None else state.first
        counts = self._read(first, latest)
        watch, book = BurstWatch(state.bursts), AlarmBook(state.alarms)
        for bucket, found in counts.items():
            watch.observe(bucket, found.campaigns, messages=found.messages)
        alarms = self._follow(watch, book, counts, first=first, now_ms=lease.now_ms)
        closed = watch.test.bucket
        if alarms or closed != (state.bursts.bucket if state.bursts else None) or state.first is None:
            state = WatchState(first if closed is None else closed, watch.test.state(), tuple(book.alarms))
            told = [self._describe(alarm, counts) for alarm in alarms]
            if not self._store.save(self._owner, msgspec.json.encode(state), told):
                return None
        self._state = state
        return alarms

    def _read(self, first: int, latest: int) -> Mapping[int, BucketCounts]:
        """What is followed, and the newest window, so that new campaigns are told though a partition lags behind."""
        followed = range(first, min(latest, first + MAX_BUCKETS) + 1)
        newest = range(max(first, latest - WINDOW_BUCKETS + 1), latest + 1)
        return {
            bucket: bucket_counts(self._counters.read(table(bucket).name)) for bucket in sorted({*followed, *newest})
        }

    def _follow(
        self, watch: BurstWatch, book: AlarmBook, counts: Mapping[int, BucketCounts], *, first: int, now_ms: int
    ) -> Sequence[Alarm]:
        """Close buckets one by one, so that every alarm has the bucket it belongs to."""
        passed = watermark(self._heard(counts), now_ms=self._now_ms())
        alarms: list[Alarm] = []
        for bucket in range(first, first + MAX_BUCKETS + 1):
            if bucket not in counts or passed is None or (bucket + 1) * BUCKET_MS > min(passed, now_ms):
                break
            campaigns = counts[bucket].campaigns
            alarms += book.found(watch.close_through(bucket), bucket=bucket, closing=campaigns)
            alarms += book.closed(bucket, campaigns)
        filled = [bucket for bucket in counts if counts[bucket].messages]
        if filled:
            alarms += book.found(watch.early(), bucket=max(filled))
        return alarms

    def _heard(self, counts: Mapping[int, BucketCounts]) -> Mapping[Partition, PartitionTime]:
        """How far the counts of each partition have come; one is heard of when its count in its last bucket changes.

        What workers have read is no evidence: its counts may still be on their way.
        """
        latest: dict[Partition, int] = {}
        for bucket, found in counts.items():
            for partition in found.partitions:
                latest[partition] = max(bucket, latest.get(partition, bucket))
        news = {}
        for partition, bucket in latest.items():
            seen = (bucket, counts[bucket].partitions[partition])
            if self._newest.get(partition) != seen:
                self._newest[partition] = seen
                news[partition] = bucket * BUCKET_MS
        self._times = observed(self._times, news, now_ms=self._now_ms())
        return self._times


def _decoded(saved: bytes) -> WatchState:
    """What was saved; nothing where it cannot be read: an hour of learning is less than no alarms ever after."""
    if not saved:
        return WatchState()
    try:
        return msgspec.json.decode(saved, type=WatchState)
    except msgspec.MsgspecError as error:
        log.warning("alarms begin anew", error=f"expected a state that this version writes, got another one ({error})")
        return WatchState()
