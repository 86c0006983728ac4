"""Mutants of workers whose batches are transactions: each is what the client library lets one write."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, cast

from benchmarks.chaos.transaction_points import wrap_producers
from benchmarks.chaos.wrapped import Wrapped
from textsieve.worker import app
from textsieve.worker.connectors.kafka import KafkaSource, TransactionalSink
from textsieve.worker.connectors.kafka.group.member import Membership
from textsieve.worker.streams import Sink, Source

FOR_EVER_SECONDS = 600.0  # below the most that brokers allow a transaction (transaction.max.timeout.ms)


@dataclass(frozen=True, slots=True)
class AlwaysMember(Membership):
    """Whatever the client says it is, after a lost session "no member", is taken for a membership."""

    @property
    def is_member(self) -> bool:
        """See Membership."""
        return True


@dataclass(slots=True)
class KeepsOffsets(Wrapped):
    """Leaves the offsets of a transaction to somebody else."""

    kept: dict[Any, Any]

    def send_offsets_to_transaction(self, offsets: Any, _: Any) -> None:
        """See KafkaProducer."""
        self.kept.clear()
        self.kept.update(offsets)


@dataclass(slots=True)
class CommitsAfterwards(Wrapped):
    """Commits the offsets through the consumer, once the transaction is."""

    source: KafkaSource
    kept: dict[Any, Any]

    def settle(self) -> None:
        """See Sink."""
        self.inner.settle()
        if self.kept:
            self.source._consumer.commit(dict(self.kept))  # noqa: SLF001
            self.kept.clear()


class NoDeadline(Wrapped):
    """Knows no deadline."""

    def publish(self, *, timeout_seconds: float, **batch: Any) -> None:
        """See Sink."""
        self.inner.publish(timeout_seconds=max(timeout_seconds, FOR_EVER_SECONDS), **batch)


@dataclass(slots=True)
class Built:
    """What was built before the sink."""

    parts: app.Overrides
    sources: list[KafkaSource] = field(default_factory=list)

    def source(self, part: Source) -> Source:
        """Keep the member of the group."""
        if isinstance(part, KafkaSource):
            self.sources.append(part)
        return self.parts.source(part)


def metadata_at_commit(parts: app.Overrides) -> app.Overrides:
    """Who the worker is to its group is asked when a batch is to be committed, and not looked at."""
    built = Built(parts)

    def membership() -> Membership:
        source = built.sources[0]
        return AlwaysMember(source._consumer.group_metadata(), source.membership.committed)  # noqa: SLF001

    def sink(part: Sink) -> Sink:
        if isinstance(part, TransactionalSink):
            part.membership = membership
        return parts.sink(part)

    return replace(parts, source=built.source, sink=sink)


def offsets_outside(parts: app.Overrides) -> app.Overrides:
    """The offsets are committed after the transaction."""
    built = Built(parts)
    kept: dict[Any, Any] = {}
    sink = _wrapping(parts, lambda inner: KeepsOffsets(inner, kept))
    return replace(
        parts,
        source=built.source,
        sink=lambda part: cast("Sink", CommitsAfterwards(sink(part), built.sources[0], kept)),
    )


def acks_1(parts: app.Overrides) -> app.Overrides:
    """A record is acknowledged by its leader alone."""
    return replace(parts, sink=_wrapping(parts, _hasty))


def no_watchdog(parts: app.Overrides) -> app.Overrides:
    """No step of a transaction has a deadline worth the name, and nor has the transaction."""

    def sink(part: Sink) -> Sink:
        if isinstance(part, TransactionalSink):
            part.producers = replace(part.producers, publish_seconds=FOR_EVER_SECONDS)
        return cast("Sink", NoDeadline(parts.sink(part)))

    return replace(parts, sink=sink)


def _hasty(producer: Any) -> Any:
    producer._sender.config["acks"] = 1  # noqa: SLF001  # the library refuses it beside transactions, if it is asked
    return producer


def _wrapping(parts: app.Overrides, wrap: Callable[[Any], Any]) -> Callable[[Sink], Sink]:
    """Put something around each producer, inside of the fault points."""

    def sink(part: Sink) -> Sink:
        if isinstance(part, TransactionalSink):
            wrap_producers(part, wrap)
        return parts.sink(part)

    return sink


MUTANTS: Mapping[str, Callable[[app.Overrides], app.Overrides]] = MappingProxyType(
    {
        "metadata-at-commit": metadata_at_commit,
        "offsets-outside": offsets_outside,
        "acks-1": acks_1,
        "no-watchdog": no_watchdog,
    }
)
