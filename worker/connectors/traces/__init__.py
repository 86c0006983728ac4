"""OpenTelemetry spans of a worker; imported only where `traces.endpoint` is set, for it needs the extra `otel`."""

from textsieve.worker.connectors.traces.collector import Traces, open_traces
from textsieve.worker.connectors.traces.spans import BatchSpans, TracedSink, TracedSource

__all__ = ["BatchSpans", "TracedSink", "TracedSource", "Traces", "open_traces"]
