"""Spans per batch, by a source and a sink that watch what passes through them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from opentelemetry.context import Context
from opentelemetry.trace import Link, Span, SpanKind, Status, StatusCode, Tracer, get_current_span, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from textsieve.worker.records import Outgoing, Partition, Position, Progress, Record
from textsieve.worker.streams import Poll, Published, Sink, Source

MAX_LINKS = 128  # a span of the SDK holds no more
MAX_CONTEXT_BYTES = 512  # of a header: what W3C asks for; a longer one is a sender's fault or malice, and is left alone
CONTEXT_HEADERS = ("traceparent", "tracestate")  # of W3C Trace Context
_propagator = TraceContextTextMapPropagator()


@dataclass(slots=True)
class BatchSpans:
    """The batch in hand: one span from its poll to its acks, with a child for each step.

    Attributes:
        group: the consumer group.
    """

    tracer: Tracer
    group: str
    _batch: Span | None = None
    _step: Span | None = None
    _on_the_way: tuple[Span, Span | None] | None = None  # a batch that was handed over, and its last step

    def begin(self, records: Sequence[Record]) -> None:
        """Messages were read: their batch begins, and with it the step `process`."""
        links = _links(records)
        self._batch = self.tracer.start_span(
            "batch",
            context=Context(),  # a root: a batch has many causes, so they are links and none is the parent
            kind=SpanKind.CONSUMER,
            links=links,
            attributes={
                "messaging.system": "kafka",
                "messaging.operation.type": "process",
                "messaging.consumer.group.name": self.group,
                "messaging.batch.message_count": len(records),
                "messaging.destination.name": ",".join(sorted({record.topic for record in records})),
            },
        )
        self._begin_step("process")

    def step(self, name: str) -> None:
        """The step before is over, the next one begins; nothing if no batch is in hand."""
        if self._batch is not None:
            self._end_step()
            self._begin_step(name)

    def answered(self, *, results: int, dead_letters: int) -> None:
        """How many answers the batch publishes."""
        if self._batch is not None:
            self._batch.set_attributes({"textsieve.results": results, "textsieve.dead_letters": dead_letters})

    def end(self, error: str = "") -> None:
        """The batch is published, or has failed; nothing if no batch is in hand."""
        if self._batch is None:
            return
        if error:
            self._batch.set_status(Status(StatusCode.ERROR, error))
            if self._step is not None:
                self._step.set_status(Status(StatusCode.ERROR))
        self._end_step()
        self._batch.end()
        self._batch = None

    def hand_over(self) -> None:
        """The batch counts only later: its last step goes on while the next one is in hand."""
        if self._batch is not None:
            self._on_the_way = (self._batch, self._step)
            self._batch = self._step = None

    def settle(self, error: str = "") -> None:
        """The batch that was handed over counts, or has failed; nothing if there is none."""
        if self._on_the_way is None:
            return
        in_hand = (self._batch, self._step)
        (self._batch, self._step), self._on_the_way = self._on_the_way, None
        self.end(error)
        self._batch, self._step = in_hand

    def _begin_step(self, name: str) -> None:
        parent = set_span_in_context(self._batch, Context()) if self._batch is not None else None
        self._step = self.tracer.start_span(name, context=parent)

    def _end_step(self) -> None:
        if self._step is not None:
            self._step.end()
            self._step = None


@dataclass(slots=True)
class TracedSource:
    """A Source whose batches become spans."""

    source: Source
    spans: BatchSpans

    def poll(self, *, max_records: int, timeout_seconds: float) -> Poll:
        """See Source."""
        self.spans.end("dropped: it will be read again")  # a batch that was published has ended before
        polled = self.source.poll(max_records=max_records, timeout_seconds=timeout_seconds)
        if polled.batches:
            self.spans.begin(polled.records)
        return polled

    def rewind(
        self, floor: Mapping[Partition, Position], *, unsure: Collection[Partition] = ()
    ) -> Mapping[Partition, Position]:
        """See Source."""
        return self.source.rewind(floor, unsure=unsure)

    def fence(self) -> None:
        """See Source."""
        self.spans.step("fence")
        try:
            self.source.fence()
        except Exception as error:
            self.spans.end(str(error))
            raise

    def set_aside(self, partitions: Collection[Partition], *, reason: str) -> None:
        """See Source."""
        self.source.set_aside(partitions, reason=reason)

    def commit(self, offsets: Mapping[Partition, int]) -> None:
        """See Source."""
        self.source.commit(offsets)


@dataclass(slots=True)
class TracedSink:
    """A Sink whose acks end the spans of a batch."""

    sink: Sink
    spans: BatchSpans

    def recover(self, starts: Mapping[Partition, Position]) -> Mapping[Partition, Published]:
        """See Sink."""
        return self.sink.recover(starts)

    @property
    def is_transactional(self) -> bool:
        """See Sink."""
        return self.sink.is_transactional

    def publish(
        self,
        *,
        results: Sequence[Outgoing],
        dead_letters: Sequence[Outgoing],
        progress: Mapping[Partition, Progress],
        timeout_seconds: float,
    ) -> None:
        """See Sink."""
        self.spans.step("publish")
        self.spans.answered(results=len(results), dead_letters=len(dead_letters))
        try:
            self.sink.publish(
                results=results, dead_letters=dead_letters, progress=progress, timeout_seconds=timeout_seconds
            )
        except Exception as error:
            self.spans.end(str(error))
            raise
        self.spans.hand_over()

    def settle(self) -> None:
        """See Sink."""
        try:
            self.sink.settle()
        except Exception as error:
            self.spans.settle(str(error))
            raise
        self.spans.settle()


def _links(records: Sequence[Record]) -> list[Link]:
    """To the spans that sent the messages, each once, as far as they say so."""
    found = {}
    for record in records:
        carrier = {
            name.lower(): value.decode("latin-1")
            for name, value in record.headers
            if name.lower() in CONTEXT_HEADERS and 0 < len(value) <= MAX_CONTEXT_BYTES
        }
        if "traceparent" not in carrier:
            continue
        sender = get_current_span(_propagator.extract(carrier, Context())).get_span_context()
        if sender.is_valid:
            found[sender.trace_id, sender.span_id] = Link(sender)
        if len(found) == MAX_LINKS:
            break
    return list(found.values())
