"""Spans of a real worker, sent to a collector that is there, and to one that is not."""

import re
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from kafka import KafkaProducer
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.integration.streams import PARTITIONS, Stream
from tests.services import Brokers
from textsieve.embedded.listening import LOOPBACK, free_port
from textsieve.embedded.topics import Names

SENDER = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@contextmanager
def collector() -> Iterator[tuple[str, list]]:
    """An address that takes spans, and the spans that came."""
    spans = []

    class Door(BaseHTTPRequestHandler):
        def do_POST(self):
            request = ExportTraceServiceRequest()
            request.ParseFromString(self.rfile.read(int(self.headers["Content-Length"])))
            spans.extend(span for r in request.resource_spans for scope in r.scope_spans for span in scope.spans)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *arguments):
            pass

    with ThreadingHTTPServer((LOOPBACK, 0), Door) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://{LOOPBACK}:{server.server_port}/v1/traces", spans
        server.shutdown()


@pytest.fixture
def stream(one_broker: Brokers, store: str, names: Names) -> Iterator[Stream]:
    made = Stream(one_broker, store, names)
    yield made
    made.close()


def _send(stream: Stream, count: int) -> None:
    producer = KafkaProducer(**stream.connection)
    for number in range(count):
        headers = [("traceparent", SENDER.encode()), ("tracestate", b"vendor=7")]
        value = b'{"text": "number %d"}' % number
        producer.send(stream.names.messages, value, partition=number % PARTITIONS, headers=headers)
    producer.flush(10)
    producer.close(timeout=5)


def test_spans_reach_a_collector_and_answers_continue_the_senders_trace(stream):
    with collector() as (endpoint, spans):
        worker = stream.start(traces__endpoint=endpoint)
        stream.wait_for_topics()
        _send(stream, 60)
        results, _ = stream.until_answered(60)
        code, _ = stream.stop(worker)

    batches = [span for span in spans if span.name == "batch"]
    counted = [a.value.int_value for b in batches for a in b.attributes if a.key == "messaging.batch.message_count"]
    assert 0 == code
    assert 60 == sum(counted)
    assert all([SENDER.split("-")[1]] == [link.trace_id.hex() for link in batch.links] for batch in batches)
    assert {SENDER.encode()} == {dict(result.headers)["traceparent"] for result in results}
    assert {b"vendor=7"} == {dict(result.headers)["tracestate"] for result in results}


def test_a_collector_that_is_away_is_one_line_in_the_log_and_nothing_else(stream):
    worker = stream.start(traces__endpoint=f"http://{LOOPBACK}:{free_port()}/v1/traces")
    log: list[str] = []
    reading = threading.Thread(target=lambda: log.extend(worker.stderr))
    reading.start()
    stream.wait_for_topics()
    deadline = time.monotonic() + 60
    while not any("collector" in line for line in log) and time.monotonic() < deadline:
        _send(stream, 4)
        time.sleep(0.5)
    _send(stream, 60)  # whose spans go the same way
    worker.send_signal(signal.SIGTERM)
    code = worker.wait(30)
    reading.join()

    assert 0 == code
    assert ["warning"] == [re.search(r"\[(\w+) *\]", line)[1] for line in log if "collector" in line]
    assert [] == [line for line in log if "Traceback" in line or "opentelemetry" in line]
