"""Where spans go: to an OpenTelemetry collector, from a bounded queue, by a thread that the stream never waits for."""

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import TraceIdRatioBased

from textsieve.worker.connectors.traces.spans import BatchSpans
from textsieve.worker.settings import TraceSettings

QUEUE_SPANS = 2048  # bound of what waits for the collector; beyond it the oldest spans are dropped
EXPORT_SPANS = 256  # one request to the collector
EXPORT_SECONDS = 5.0  # patience for one request, its repetitions included


@dataclass(slots=True)
class CalmExporter(SpanExporter):
    """An exporter whose absent collector costs spans and one log line, never more."""

    exporter: SpanExporter
    log: structlog.stdlib.BoundLogger
    away: bool = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """See SpanExporter."""
        result = self.exporter.export(spans)
        away = result is not SpanExportResult.SUCCESS
        if away and not self.away:
            self.log.warning("collector of traces away: spans are dropped, labelling goes on (traces.endpoint)")
        elif self.away and not away:
            self.log.warning("collector of traces back")
        self.away = away
        return result

    def shutdown(self) -> None:
        """See SpanExporter."""
        self.exporter.shutdown()


@dataclass(frozen=True, slots=True)
class Traces:
    """The spans of one worker and where they go."""

    spans: BatchSpans
    provider: TracerProvider

    def close(self, *, timeout_seconds: float) -> None:
        """Send what waits, for so long at most; the rest is lost."""
        self.spans.end("stopped")
        closing = threading.Thread(target=self.provider.shutdown, name="traces", daemon=True)
        closing.start()  # the SDK itself would wait half a minute, more than a worker has for its whole stop
        closing.join(timeout_seconds)


def open_traces(
    settings: TraceSettings,
    *,
    group: str,
    worker: str,
    version: str,
    log: structlog.stdlib.BoundLogger,
    exporter: SpanExporter | None = None,
) -> Traces:
    """A provider with a bounded queue and a thread that empties it.

    Args:
        settings: with an endpoint.
        group: the consumer group.
        worker: this worker's name.
        version: the software's version.
        log: gets one line when the collector goes, and one when it is back.
        exporter: instead of OTLP over HTTP.
    """
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)  # CalmExporter says it, once
    resource = {"service.name": "textsieve", "service.version": version, "service.instance.id": worker}
    provider = TracerProvider(
        sampler=TraceIdRatioBased(settings.ratio),
        resource=Resource.create(resource),
        shutdown_on_exit=False,
    )
    sending = exporter or OTLPSpanExporter(endpoint=settings.endpoint, timeout=EXPORT_SECONDS)
    provider.add_span_processor(
        BatchSpanProcessor(CalmExporter(sending, log), max_queue_size=QUEUE_SPANS, max_export_batch_size=EXPORT_SPANS)
    )
    return Traces(BatchSpans(provider.get_tracer("textsieve", version), group), provider)
