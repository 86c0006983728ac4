"""The loop: poll, process, publish, observe, and at checkpoints learn.

Where the sink is transactional, a batch and the offsets behind it count together, and that they do is awaited only
after the model has worked on the next batch. Elsewhere the worker fences itself before it publishes, and commits the
offsets at checkpoints, last of all.

Whatever goes wrong, the worker does one thing: it forgets what is not committed and begins again from there. What was
published and what was learned is known, so the repetition is invisible.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random

from textsieve.worker.backlog import Backlog
from textsieve.worker.batch_limit import AdaptiveBatchLimit
from textsieve.worker.dead_letter_limit import DeadLetterLimit
from textsieve.worker.errors import (
    OwnershipLost,
    PartitionUnavailable,
    PredictorError,
    PublishFailed,
    ServiceError,
    StoreUnavailable,
    WorkerStopped,
)
from textsieve.worker.failures import Failures, backoff_seconds
from textsieve.worker.inflight import InFlightBatch, next_offsets
from textsieve.worker.loop_events import LoopEvents
from textsieve.worker.pipeline import Pipeline
from textsieve.worker.published_offsets import PublishedOffsets
from textsieve.worker.records import Partition, Progress
from textsieve.worker.shared_state import SharedState
from textsieve.worker.streams import Poll, Sink, Source

STOP_AFTER_SINGLES = 6  # drops in a row, the last of them at a single message, before the worker gives up
POOL_LOOK_SECONDS = 2.0  # how often an idle worker looks whether the seed pool has become ripe
PROOF_OF_LIFE_SECONDS = 5.0  # an idle worker asks the broker at least this often whether it still owns its partitions


@dataclass(frozen=True, slots=True)
class LoopSettings:
    """Times of the loop, in seconds; see DeliverySettings for what they do.

    Attributes:
        publish_seconds: safe part of the group's session, counted from the fence.
    """

    poll_timeout_seconds: float
    checkpoint_seconds: float
    publish_seconds: float
    service_retry_seconds: float


@dataclass(slots=True)
class StreamLoop:
    """One worker's loop over the partitions it owns; `turn` is one iteration.

    Attributes:
        clock: monotonic seconds.
        wait: sleeps so many seconds, or less when the worker is asked to stop.
    """

    source: Source
    sink: Sink
    pipeline: Pipeline
    state: SharedState
    settings: LoopSettings
    batch_limit: AdaptiveBatchLimit
    dead_letter_limit: DeadLetterLimit
    events: LoopEvents
    rng: Random
    clock: Callable[[], float]
    wait: Callable[[float], object]
    _begun: bool = False
    _backlog: Backlog = field(default_factory=Backlog)
    _working_on: int = 0  # messages of the batch in hand: what goes wrong now is a drop
    _in_flight: InFlightBatch | None = None  # handed over to the sink, not known to count
    _next: dict[Partition, int] = field(default_factory=dict)  # first offset not finished
    _committed: dict[Partition, int] = field(default_factory=dict)
    _published: PublishedOffsets = field(default_factory=PublishedOffsets)
    _last_checkpoint: float = 0.0
    _last_fence: float = 0.0
    _failures: Failures = field(default_factory=Failures)  # of batches and of the broker
    _in_hand: Mapping[Partition, int] = field(default_factory=dict)  # next offsets of the batch being worked on
    _store_failures: int = 0
    _store_again_at: float = 0.0

    def run(self, should_stop: Callable[[], bool]) -> None:
        """Turn until asked to stop, then finish what is published.

        Raises:
            WorkerStopped: going on would do harm.
            ConfigurationError: a topic or the store does not fit the settings.
            LedgerError: the committed offsets contradict the input.
        """
        self.events.health.started = True
        while not should_stop():
            self.turn()
        self.events.health.stopping = True
        self.finish()

    def turn(self) -> None:
        """One iteration; faults of the surroundings end in a fresh beginning, never in a loss."""
        self.events.turned(self.clock())
        self._working_on = 0
        try:
            self._turn()
        except PredictorError as error:
            self._drop(error, operation="model")
        except OwnershipLost as error:
            self._begun = False
            self.events.refused(error)
            if self._working_on:
                self._drop(error, operation="ownership")
        except StoreUnavailable as error:
            self._await_store(error)
        except PartitionUnavailable as error:
            self._set_aside(error)
        except ServiceError as error:
            self._await_broker(error)

    def finish(self) -> None:
        """The last checkpoint of a graceful stop: settle, learn and commit what is published."""
        try:
            self._settle()  # also where the stream is to begin again: what is on its way may count all the same
            if self._begun:
                self._checkpoint()
        except (OwnershipLost, ServiceError) as error:
            self.events.log.warning("stopped without a last checkpoint: the next owner repeats it", error=str(error))

    def _turn(self) -> None:
        polled = self._poll()
        if polled.reassigned:
            self._begun = False
        if not self._begun:
            if polled.joined:
                self._begin()
            return
        if polled.batches:
            self._work(polled)
        else:
            self._settle()
            if self.clock() - self._last_fence >= PROOF_OF_LIFE_SECONDS:
                self._fence()
                self._failures.end(self._committed)
        if self._checkpoint_due(idle=not polled.batches):
            self._checkpoint()

    def _poll(self) -> Poll:
        """The next batch: what the last one had no time for, or what there is."""
        wanted = self.batch_limit.limit() if self._begun else 0
        room = self._backlog.room(wanted)
        patience = self.settings.poll_timeout_seconds if room or not wanted else 0.0
        polled = self.source.poll(max_records=room, timeout_seconds=patience)
        self.events.consumed(polled)
        batch = self._backlog.cut(polled, wanted)
        self.events.polled(batch, wanted=wanted, now=self.clock())
        return batch

    def _begin(self) -> None:
        """Start from what is committed, or earlier where the store knows less than that."""
        self._settle()  # a transaction that is under way ends before the committed offsets are asked for
        if self.sink.is_transactional:
            self.sink.settle()  # and one that was given up: until it times out the broker does not tell them
        if self.sink.is_transactional and self.state.has_pending:
            with suppress(StoreUnavailable):  # or what counts already would be read again, to be learned
                self.events.told_store(self.state.push(), self.state.clusters.snapshot)
        self.events.put_back(self._backlog.clear())
        floor = self.state.floor()
        starts = self.source.rewind(floor.positions, unsure=floor.unsure)
        self.events.given_up(self.state.begin(starts))
        self._published = PublishedOffsets(self.sink.recover(starts))
        self._next = {partition: start.offset for partition, start in starts.items()}
        self._committed = dict(self._next)
        self._last_fence = self.clock()
        self._begun = True
        self.events.began(starts, self._published.published)

    def _work(self, polled: Poll) -> None:
        """Answer one batch: process, publish, and see to it that the one before it counts."""
        began = self.clock()
        self._take_in_hand(polled)
        outcome = self.pipeline.process(polled.records)
        is_cut = outcome.records < len(polled)
        polled = self._backlog.keep_rest(polled, outcome.records)
        seconds = self.clock() - began
        self._take_in_hand(polled)
        self._settle()
        self._take_in_hand(polled)
        batch = InFlightBatch.of(polled, outcome, self._published, processed_seconds=seconds, is_cut=is_cut)
        self.dead_letter_limit.check(batch.is_bad)
        self.events.stage("process", seconds)
        self._publish(batch)
        if not self.sink.is_transactional:
            self._settle()

    def _take_in_hand(self, polled: Poll) -> None:
        """From now on a fault drops these messages."""
        self._working_on, self._in_hand = len(polled), next_offsets(polled)

    def _publish(self, batch: InFlightBatch) -> None:
        """Hand a batch over, within the safe part of the session."""
        began = fenced = self.clock()
        if not self.sink.is_transactional:
            self._fence()
            fenced = self.clock()
            self.events.stage("fence", fenced - began)
        self.sink.publish(
            results=batch.results,
            dead_letters=batch.dead_letters,
            progress={
                source: Progress(offset, self.state.pushed_up_to(source)) for source, offset in batch.finished.items()
            },
            timeout_seconds=self.settings.publish_seconds - (fenced - began),
        )
        self._in_flight, self._working_on = batch, 0
        self.events.stage("publish", self.clock() - fenced)

    def _settle(self) -> None:
        """Wait until the batch that was handed over counts, then remember what it came to."""
        batch, self._in_flight = self._in_flight, None
        if batch is None:
            return
        began = self.clock()
        self._working_on, self._in_hand = self._working_on + len(batch), {**batch.finished, **self._in_hand}
        self.sink.settle()
        settled = self.clock()
        self.events.given_up(self.state.observe(self._published.countable(batch.outcome.batch), batch.finished))
        self._next.update(batch.finished)
        self._published.forget(batch.polled.records)
        self.dead_letter_limit.count(batch.is_bad)
        self.batch_limit.finished(
            messages=len(batch), seconds=batch.processed_seconds + settled - began, short_of_time=batch.is_cut
        )
        self.events.published(batch.outcome, batch.polled, results=batch.results, dead_letters=batch.dead_letters)
        self.events.pending(self.state.clusters.pending_bytes)
        self._working_on = 0
        if self.sink.is_transactional:
            self.events.stage("settle", settled - began)
            self._committed_now(batch.finished)

    def _fence(self) -> None:
        self.source.fence()
        self._last_fence = self.clock()

    def _checkpoint_due(self, *, idle: bool) -> bool:
        now = self.clock()
        if now < self._store_again_at:
            return False
        if self._next == self._committed and not self.state.has_pending:
            return self.state.clusters.awaits_seed and now - self._last_checkpoint >= POOL_LOOK_SECONDS
        early = idle or self._failures.count > 0 or self.state.clusters.can_seed
        return early or now - self._last_checkpoint >= self.settings.checkpoint_seconds

    def _checkpoint(self) -> None:
        """Learn, then commit what no transaction has: offsets last, so that a crash between the two only repeats."""
        began = self._last_checkpoint = self.clock()
        pushed = self.state.push()
        learned_at = self.clock()
        self._store_failures, self._store_again_at = 0, 0.0
        self.events.stage("learn", learned_at - began)
        self.events.told_store(pushed, self.state.clusters.snapshot)
        if pushed.rolled_back:
            self._begun = False
            return
        if not self.sink.is_transactional:
            self._commit()
        self.events.pending(self.state.clusters.pending_bytes)

    def _commit(self) -> None:
        began = self.clock()
        try:
            self.source.commit(self._next)
        except (OwnershipLost, ServiceError) as error:
            self.events.committed(error)
            raise
        self.events.stage("commit", self.clock() - began)
        self._committed_now(self._next)

    def _committed_now(self, offsets: Mapping[Partition, int]) -> None:
        """The group knows these offsets: whatever failed before is over, once it is behind them."""
        self.events.committed(None)
        self._committed.update(offsets)
        self._last_fence = self.clock()
        self._failures.since = None
        if self._failures.end(self._committed):
            self.batch_limit.committed()

    def _drop(self, error: Exception, *, operation: str) -> None:
        """Forget what is not committed and begin again, with a smaller batch if that happens again and again."""
        self._begun = False
        self._failures.count += 1
        self._failures.batch = self._in_hand
        self.events.dropped(self._working_on, error, operation=operation)
        if self._failures.count == 1:
            return
        if self.batch_limit.dropped() and self._failures.count > STOP_AFTER_SINGLES:
            raise WorkerStopped(
                f"dropped {self._failures.count} batches in a row, the last of one message: {error}"
            ) from error
        self._backoff()

    def _await_store(self, error: StoreUnavailable) -> None:
        """The store is at fault: go on labelling, ask again later."""
        self._store_failures += 1
        self._store_again_at = self.clock() + backoff_seconds(self._store_failures, self.rng)
        self.events.store(error)
        self.events.pending(self.state.clusters.pending_bytes)

    def _set_aside(self, error: PartitionUnavailable) -> None:
        """Some partitions are at fault: begin again without them."""
        self._begun = False
        self.source.set_aside(error.partitions, reason=error.reason)
        if self._working_on:
            self.events.dropped(self._working_on, error, operation="publish")

    def _await_broker(self, error: ServiceError) -> None:
        """The broker is at fault: begin again when it answers, give up after service_retry_seconds."""
        if self._working_on:
            self._failures.batch = self._in_hand
            self.events.dropped(self._working_on, error, operation="publish")
        self._begun = False
        self._failures.count += 1
        self.events.broker(error)
        if self._failures.seconds_since(self.clock()) > self.settings.service_retry_seconds:
            raise WorkerStopped(
                f"the broker did not recover within {self.settings.service_retry_seconds:.0f} s"
                f" (delivery.service_retry_seconds): {error}"
            ) from error
        if isinstance(error, PublishFailed) and self._failures.count > 1:
            self.batch_limit.dropped()
        self._backoff()

    def _backoff(self) -> None:
        self.events.turned(self.clock())
        self.wait(backoff_seconds(self._failures.count, self.rng))
        self.events.rested(self.clock())
