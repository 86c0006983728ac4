"""Spans of a worker: one per batch, linked to its messages, and never a reason for anything else to go wrong."""

import logging
import sys
import threading

import pytest
import structlog
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from tests.unit.worker.conftest import MemoryWorker
from textsieve.worker.connectors.traces import TracedSink, TracedSource, open_traces
from textsieve.worker.connectors.traces.collector import EXPORT_SPANS, QUEUE_SPANS
from textsieve.worker.connectors.traces.spans import MAX_LINKS
from textsieve.worker.errors import BrokerUnavailable, ConfigurationError, OwnershipLost, PredictorError, PublishFailed
from textsieve.worker.records import Partition
from textsieve.worker.settings import Settings, TraceSettings
from textsieve.worker.testing import MemoryLog, MemorySink, MemorySource
from textsieve.worker.wiring.endpoints import Endpoints, require_otel, traced_endpoints

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
ENDPOINT = "http://127.0.0.1:4318/v1/traces"


@pytest.fixture(autouse=True)
def _quiet_again():
    level = logging.getLogger("opentelemetry").level
    yield
    logging.getLogger("opentelemetry").setLevel(level)


class Traced:
    """A worker in memory whose spans are kept."""

    def __init__(self, log, *, exporter=None, ratio=1.0, **options):
        self.exporter = exporter or InMemorySpanExporter()
        self.worker = MemoryWorker(log, **options)
        self.traces = open_traces(
            TraceSettings(endpoint=ENDPOINT, ratio=ratio),
            group="group",
            worker="worker-1",
            version="1",
            log=structlog.stdlib.get_logger("test"),
            exporter=self.exporter,
        )
        self.worker.loop.source = TracedSource(self.worker.source, self.traces.spans)
        self.worker.loop.sink = TracedSink(self.worker.sink, self.traces.spans)

    def finished(self):
        self.traces.provider.force_flush()
        return self.exporter.get_finished_spans()

    def batches(self):
        return [span for span in self.finished() if span.name == "batch"]


def log_of(*traceparents, tracestate=None):
    log = MemoryLog.of("in", [])
    log.records[Partition("in", 0)] = []
    for number, traceparent in enumerate(traceparents):
        headers = [] if traceparent is None else [("traceparent", traceparent.encode())]
        headers += [] if tracestate is None else [("tracestate", tracestate.encode())]
        log.append(Partition("in", 0), b'{"text": "number %d"}' % number, headers=headers)
    return log


def test_a_batch_is_a_root_with_one_child_per_step():
    traced = Traced(log_of(None, None))

    traced.worker.drain()

    spans = traced.finished()
    (batch,) = [span for span in spans if span.name == "batch"]
    assert batch.parent is None
    assert SpanKind.CONSUMER == batch.kind
    assert {"process", "fence", "publish"} == {span.name for span in spans if span.parent == batch.context}
    assert 4 == len(spans)
    assert all(batch.start_time <= span.start_time <= span.end_time <= batch.end_time for span in spans)


def test_a_batch_says_how_many_messages_it_had_and_what_became_of_them():
    log = log_of(None, None)
    log.append(Partition("in", 0), b"not json")
    traced = Traced(log)

    traced.worker.drain()

    (batch,) = traced.batches()
    assert 3 == batch.attributes["messaging.batch.message_count"]
    assert "in" == batch.attributes["messaging.destination.name"]
    assert "group" == batch.attributes["messaging.consumer.group.name"]
    assert (2, 1) == (batch.attributes["textsieve.results"], batch.attributes["textsieve.dead_letters"])
    assert "worker-1" == batch.resource.attributes["service.instance.id"]


def test_a_batch_is_linked_to_each_sender_once():
    other = f"00-{TRACE}-{'ab' * 8}-01"
    traced = Traced(log_of(f"00-{TRACE}-{SPAN}-01", f"00-{TRACE}-{SPAN}-01", other, None, tracestate="vendor=7"))

    traced.worker.drain()

    (batch,) = traced.batches()
    assert [SPAN, "ab" * 8] == [f"{link.context.span_id:016x}" for link in batch.links]
    assert {TRACE} == {f"{link.context.trace_id:032x}" for link in batch.links}
    assert "7" == batch.links[0].context.trace_state["vendor"]


@pytest.mark.parametrize("wrong", ["", "nonsense", "00-" + "0" * 32 + "-" + "0" * 16 + "-01", "\xff\x00", "00-1-2-3"])
def test_a_traceparent_that_is_none_links_to_nothing(wrong):
    traced = Traced(log_of(wrong))

    traced.worker.drain()

    (batch,) = traced.batches()
    assert () == tuple(batch.links)


def test_a_tracestate_that_is_too_long_is_left_out_of_the_link():
    traced = Traced(log_of(f"00-{TRACE}-{SPAN}-01", tracestate="vendor=" + "7" * 600))

    traced.worker.drain()

    (batch,) = traced.batches()
    assert {} == dict(batch.links[0].context.trace_state)


def test_links_have_a_bound():
    log = log_of(*[f"00-{TRACE}-{number:016x}-01" for number in range(1, MAX_LINKS + 50)])
    traced = Traced(log)

    traced.traces.spans.begin(log.records[Partition("in", 0)])
    traced.traces.spans.end()

    (batch,) = traced.batches()
    assert MAX_LINKS == len(batch.links)


def test_the_answers_carry_the_senders_context_whether_or_not_the_worker_traces():
    sent = f"00-{TRACE}-{SPAN}-01"
    log = log_of(sent, tracestate="vendor=7")
    log.append(Partition("in", 0), b"not json", headers=[("traceparent", sent.encode())])
    plain = log_of(sent, tracestate="vendor=7")

    Traced(log).worker.drain()
    MemoryWorker(plain).drain()

    assert {"traceparent": sent.encode(), "tracestate": b"vendor=7"}.items() <= dict(log.results[0].headers).items()
    assert sent.encode() == dict(log.dead_letters[0].headers)["traceparent"]
    assert log.results[0].headers == plain.results[0].headers


def test_no_span_holds_a_text():
    log = MemoryLog.of("in", [b'{"id": "secret", "text": "secret"}', b'{"secret"'])
    traced = Traced(log)

    traced.worker.drain()

    assert "secret" not in "".join(span.to_json() for span in traced.finished())


@pytest.mark.parametrize(
    ("part", "method", "error", "last"),
    [
        ("source", "fence", OwnershipLost("gone"), "fence"),
        ("sink", "publish", PublishFailed("unknown"), "publish"),
        ("source", "fence", BrokerUnavailable("away"), "fence"),
    ],
)
def test_a_batch_that_fails_says_in_which_step(part, method, error, last):
    traced = Traced(log_of(None))
    traced.worker.turns(1)
    getattr(traced.worker, part).fail_next[method] = error

    traced.worker.drain()

    failed, repeated = traced.batches()
    assert StatusCode.ERROR == failed.status.status_code
    assert str(error) == failed.status.description
    steps = [span for span in traced.finished() if span.parent == failed.context]
    assert [last] == [step.name for step in steps if StatusCode.ERROR == step.status.status_code]
    assert StatusCode.UNSET == repeated.status.status_code


def test_a_batch_on_which_the_model_fails_ends_with_an_error():
    traced = Traced(log_of(None))
    traced.worker.predictor.fail_on, traced.worker.predictor.failure = "e", PredictorError("boom")
    traced.worker.turns(2)
    traced.worker.predictor.fail_on = None

    traced.worker.drain()

    failed, repeated = traced.batches()
    assert StatusCode.ERROR == failed.status.status_code
    assert StatusCode.UNSET == repeated.status.status_code


def test_an_idle_worker_that_proves_it_is_alive_makes_no_span():
    traced = Traced(log_of())
    traced.worker.turns(1)
    traced.worker.clock.advance(60)

    traced.worker.turns(3)

    assert "fence" in traced.worker.source.calls
    assert () == traced.finished()


def test_only_the_share_that_was_asked_for_becomes_spans():
    traced = Traced(log_of(*[None] * 200), ratio=0.25, max_batch_records=1)

    traced.worker.drain()

    assert 20 < len(traced.batches()) < 80


class Collector(SpanExporter):
    """Takes what comes, unless it is away or hangs."""

    def __init__(self):
        self.away, self.spans, self.release = False, [], threading.Event()
        self.release.set()

    def export(self, spans):
        self.release.wait()
        if self.away:
            return SpanExportResult.FAILURE
        self.spans.extend(spans)
        return SpanExportResult.SUCCESS


def test_a_collector_that_goes_and_comes_back_is_worth_a_line_each():
    collector = Collector()
    traced = Traced(log_of(*[None] * 60), exporter=collector, max_batch_records=10)

    with structlog.testing.capture_logs() as lines:
        for away in (True, True, False, False):
            collector.away = away
            traced.worker.turns(1)
            traced.traces.spans.begin([])
            traced.traces.spans.end()
            traced.traces.provider.force_flush()

    about = [line["event"] for line in lines if "collector" in line["event"]]
    assert ["away", "back"] == [event.removeprefix("collector of traces ")[:4].rstrip(":") for event in about]


def test_a_collector_that_is_away_costs_the_stream_nothing():
    collector = Collector()
    collector.away = True
    log = log_of(*[None] * 60)
    traced = Traced(log, exporter=collector, max_batch_records=10)

    traced.worker.drain()
    traced.traces.close(timeout_seconds=5)

    assert 60 == len(log.results)
    assert 6 == traced.worker.metrics.registry.get_sample_value("textsieve_batch_messages_count")


def test_what_waits_for_a_collector_that_hangs_is_bounded_and_a_stop_does_not_wait_for_it():
    collector = Collector()
    collector.release.clear()
    log = log_of(*[None] * 60)
    traced = Traced(log, exporter=collector, max_batch_records=10)
    for _ in range(QUEUE_SPANS):  # two spans each: twice what fits
        traced.traces.spans.begin([])
        traced.traces.spans.end()

    traced.worker.drain()
    traced.traces.close(timeout_seconds=0.1)
    hung = [thread for thread in threading.enumerate() if thread.name == "traces"]
    collector.release.set()
    for thread in hung:
        thread.join(30)

    assert 60 == len(log.results)
    assert hung
    assert 0 < len(collector.spans) <= QUEUE_SPANS + EXPORT_SPANS


def test_without_an_endpoint_nothing_stands_between_the_loop_and_its_streams():
    log = MemoryLog.of("in", [])
    endpoints = Endpoints(MemorySource(log), MemorySink(log))

    assert endpoints is traced_endpoints(Settings(), endpoints, "worker-1", None)


def test_an_endpoint_without_the_extra_is_refused_with_what_to_install(monkeypatch):
    for name in [name for name in sys.modules if name.startswith("textsieve.worker.connectors.traces")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)  # as if it were not installed

    with pytest.raises(
        ConfigurationError, match=r"opentelemetry\.sdk\.trace is not installed: pip install 'textsieve\[worker,otel"
    ):
        require_otel(Settings(traces=TraceSettings(endpoint=ENDPOINT)))


@pytest.mark.parametrize("endpoint", ["collector:4318", "http://user:pass@host/v1/traces", "ftp://host/", "http://"])
def test_an_endpoint_is_an_address_without_a_login(endpoint):
    with pytest.raises(ValueError, match=r"traces\.endpoint"):
        TraceSettings(endpoint=endpoint)
