"""What is told of bursts: an alarm is opened once, grows, and is closed when its campaign is quiet again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from textsieve.worker.campaigns.bursts import ALARM_COUNT, ALARM_FACTOR, BUCKET_MS, WINDOW_BUCKETS, Burst

GROWTH: Final = 2  # an alarm is told again when its campaign is so many times as large
QUIET_BUCKETS: Final = 12  # two minutes of event time without a burst close an alarm

State = Literal["open", "grow", "closed"]


@dataclass(frozen=True, slots=True)
class Alarm:
    """One state of a campaign that bursts.

    Attributes:
        id: campaign / bucket of the onset; the same for all states of an alarm.
        state: opened, larger than when it was last told, or over.
        campaign: its id.
        size: its messages since the onset.
        rate: messages a second in the last window.
        baseline: messages a second that its past lets one expect.
        p: probability of the count of the onset's window, or more.
        first_seen_ms: event time of the onset, to the bucket.
        last_seen_ms: end of the last bucket with a message.
    """

    id: str
    state: State
    campaign: str
    size: int
    rate: float
    baseline: float
    p: float
    first_seen_ms: int
    last_seen_ms: int


@dataclass(frozen=True, slots=True)
class OpenAlarm:
    """An alarm that goes on.

    Attributes:
        alarm: as it was last told.
        size: messages since the onset, of closed buckets.
        last_bucket: the last one with a message.
        burst_bucket: the last one with a burst.
    """

    alarm: Alarm
    size: int
    last_bucket: int
    burst_bucket: int


class AlarmBook:
    """The open alarms.

    Fed with what a burst test finds and with every bucket that is closed, in order.

    Args:
        alarms: of another book, to go on where it was.
    """

    __slots__ = ("_open",)

    def __init__(self, alarms: Sequence[OpenAlarm] = ()) -> None:
        self._open = {one.alarm.campaign: one for one in alarms}

    @property
    def alarms(self) -> Sequence[OpenAlarm]:
        """What to keep, so that a restart opens none twice."""
        return list(self._open.values())

    def found(
        self, bursts: Sequence[Burst], *, bucket: int, closing: Mapping[str, int] | None = None
    ) -> Sequence[Alarm]:
        """Open alarms for campaigns that have none.

        Args:
            bursts: of one window.
            bucket: the last one of the window.
            closing: messages of each campaign in that bucket, which `closed` is told of next, where those before it
                are closed already; None: all of the window is open.
        """
        opened = []
        for burst in bursts:
            held = self._open.get(burst.campaign)
            if held is not None:
                self._open[burst.campaign] = replace(held, burst_bucket=max(bucket, held.burst_bucket))
                continue
            onset = bucket - WINDOW_BUCKETS + 1
            seconds = WINDOW_BUCKETS * BUCKET_MS / 1000
            alarm = Alarm(
                id=f"{burst.campaign}/{onset}",
                state="open",
                campaign=burst.campaign,
                size=burst.count,
                rate=burst.count / seconds,
                baseline=burst.expected / seconds,
                p=burst.p,
                first_seen_ms=onset * BUCKET_MS,
                last_seen_ms=(bucket + 1) * BUCKET_MS,
            )
            size = 0 if closing is None else burst.count - closing.get(burst.campaign, 0)
            self._open[burst.campaign] = OpenAlarm(alarm, size, bucket, bucket)
            opened.append(alarm)
        return opened

    def closed(self, bucket: int, counts: Mapping[str, int]) -> Sequence[Alarm]:
        """Follow the open alarms through a closed bucket: what has grown, and what is over.

        Args:
            bucket: event time / BUCKET_MS.
            counts: messages of each campaign in it.
        """
        told = []
        for campaign, held in list(self._open.items()):
            onset = held.alarm.first_seen_ms // BUCKET_MS
            count = counts.get(campaign, 0) if bucket >= onset else 0
            now = replace(held, size=held.size + count)
            if count:
                now = replace(now, last_bucket=max(bucket, held.last_bucket))
            if _bursts(now.alarm, count):
                now = replace(now, burst_bucket=max(bucket, now.burst_bucket))
            if bucket - now.burst_bucket >= QUIET_BUCKETS:
                told.append(_told(now, "closed", count))
                del self._open[campaign]
                continue
            if now.size >= GROWTH * held.alarm.size:
                now = replace(now, alarm=_told(now, "grow", count))
                told.append(now.alarm)
            self._open[campaign] = now
        return told


def _bursts(alarm: Alarm, count: int) -> bool:
    """Whether a bucket alone is still as far above the baseline as a window has to be."""
    per_window = count * WINDOW_BUCKETS
    return per_window >= ALARM_COUNT and count >= ALARM_FACTOR * alarm.baseline * BUCKET_MS / 1000


def _told(now: OpenAlarm, state: State, count: int) -> Alarm:
    return replace(
        now.alarm,
        state=state,
        size=max(now.size, now.alarm.size),
        rate=count / (BUCKET_MS / 1000),
        last_seen_ms=(now.last_bucket + 1) * BUCKET_MS,
    )
