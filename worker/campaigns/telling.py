"""Notes, looks and publishing of alarms, one turn after the other, beside the loop."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

import msgspec

from textsieve.worker.campaigns.alarm_records import described, label_mix
from textsieve.worker.campaigns.alarm_store import AlarmStore
from textsieve.worker.campaigns.alarms import Alarm
from textsieve.worker.campaigns.counts import BucketCounts
from textsieve.worker.campaigns.notes import NoteStore
from textsieve.worker.campaigns.sightings import Sightings
from textsieve.worker.campaigns.watcher import AlarmWatcher
from textsieve.worker.counting.counters import CounterStore
from textsieve.worker.errors import TextsieveError
from textsieve.worker.redaction import Redactor

SAMPLE_CHARACTERS = 300  # of a text that is kept as a sample


class SharedAlarms(AlarmStore, NoteStore, Protocol):
    """What the workers share of alarms and campaigns."""


class AlarmTeller:
    """Tells alarms at least once, under ids that stay: they leave the outbox when the broker has them.

    Args:
        counters: the counts of all workers.
        store: lease, state, outbox and notes.
        sightings: of this worker.
        redactor: of samples, whatever results show.
        publish: sends alarms, each with its id, and returns when the broker has them.
        owner: this worker.
        now_ms: a clock that tells how long ago a partition was heard of.
    """

    def __init__(
        self,
        counters: CounterStore,
        store: SharedAlarms,
        sightings: Sightings,
        *,
        redactor: Redactor,
        publish: Callable[[Sequence[bytes]], None],
        owner: str,
        now_ms: Callable[[], int],
    ) -> None:
        self._store, self._sightings, self._redactor = store, sightings, redactor
        self._publish, self._owner = publish, owner
        self._watcher = AlarmWatcher(counters, store, owner=owner, describe=self._describe, now_ms=now_ms)

    def turn(self) -> int:
        """Share what was seen, look where this worker has the lease, and publish; returns how many alarms were.

        Raises:
            StoreUnavailable: the store does not answer.
            ServiceError: the broker does not.
        """
        self._share()
        if self._watcher.look(self._sightings.latest_ms(), earliest_ms=self._sightings.earliest_ms) is None:
            return 0
        waiting = self._store.outbox()
        if waiting:
            self._publish(waiting)
            self._store.published(self._owner, len(waiting))
        return len(waiting)

    def _share(self) -> None:
        notes = {
            campaign: replace(one, samples=tuple(map(self._sample, one.samples)))
            for campaign, one in self._sightings.taken().items()
        }
        if not notes:
            return
        try:
            self._store.note(notes)
        except TextsieveError:  # what is noted twice is noted once
            self._sightings.put_back(notes)
            raise

    def _sample(self, text: str) -> str:
        return self._redactor.redact(text).text[:SAMPLE_CHARACTERS]

    def _describe(self, alarm: Alarm, counts: Mapping[int, BucketCounts]) -> bytes:
        noted = self._store.noted(alarm.campaign)
        labels = label_mix(alarm.campaign, counts)
        return msgspec.json.encode(described(alarm, labels=labels, senders=noted.senders, samples=noted.samples))
