"""What a worker reads from and writes to: Kafka, watched by traces where the settings ask for them."""

from contextlib import ExitStack
from dataclasses import dataclass
from importlib import import_module
from uuid import uuid4

from textsieve.worker import logs
from textsieve.worker.connectors.kafka import (
    KafkaSink,
    KafkaSource,
    ProducerFactory,
    Stamp,
    Timestamps,
    Topics,
    TransactionalSink,
)
from textsieve.worker.errors import ConfigurationError
from textsieve.worker.settings import Settings
from textsieve.worker.streams import Sink, Source
from textsieve.worker.wiring.process import package_version

TRACES_SECONDS = 2.0  # to send the last spans, out of the shutdown deadline
LEAVE_SECONDS = 3.0  # to leave the group and to close the producer, out of the shutdown deadline


@dataclass(frozen=True, slots=True)
class Endpoints:
    """What the loop reads from and writes to."""

    source: Source
    sink: Sink


def kafka_endpoints(
    settings: Settings, topics: Topics, name: str, resources: ExitStack, *, publish_seconds: float, max_reread: int
) -> Endpoints:
    """The member of the group, and the sink of the guarantee in force."""
    source = KafkaSource(
        settings.kafka,
        topics.partitions,
        topics.ids,
        settings.delivery.max_batch_records,
        logs.get_logger("kafka"),
        commits=not settings.is_transactional,
        max_reread=max_reread,
    )
    resources.callback(source.close, timeout_seconds=LEAVE_SECONDS)
    producers = ProducerFactory(settings.kafka, settings.output, publish_seconds)
    stamp = Stamp(name, package_version(), topics.ids, lambda: source.generation, Timestamps(topics.bounds))
    sink: KafkaSink | TransactionalSink
    if settings.is_transactional:
        own_id = f"{settings.kafka.group_id}-{name}-{uuid4().hex[:8]}"
        sink = TransactionalSink(producers, stamp, own_id, lambda: source.membership, source.working)
    else:
        sink = KafkaSink(producers, stamp, settings.delivery.max_batch_records, source.working)
    resources.callback(sink.close, timeout_seconds=LEAVE_SECONDS)
    return Endpoints(source, sink)


def require_otel(settings: Settings) -> None:
    """Refuse traces without the extra that sends them."""
    if settings.traces.endpoint is None:
        return
    try:
        import_module("textsieve.worker.connectors.traces")
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"traces.endpoint is set, and {error.name} is not installed: pip install 'textsieve[worker,otel]'"
        ) from error


def traced_endpoints(settings: Settings, endpoints: Endpoints, name: str, resources: ExitStack) -> Endpoints:
    """The same endpoints, or ones that are watched where `traces.endpoint` says so."""
    if settings.traces.endpoint is None:
        return endpoints
    require_otel(settings)
    from textsieve.worker.connectors import traces  # noqa: PLC0415  # of an optional extra

    log = logs.get_logger("traces")
    opened = traces.open_traces(
        settings.traces, group=settings.kafka.group_id, worker=name, version=package_version(), log=log
    )
    resources.callback(opened.close, timeout_seconds=TRACES_SECONDS)
    return Endpoints(
        traces.TracedSource(endpoints.source, opened.spans), traces.TracedSink(endpoints.sink, opened.spans)
    )
