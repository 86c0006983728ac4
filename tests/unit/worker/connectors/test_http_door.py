"""The door that anybody may knock at: it gives, takes nothing, and holds nobody's place for long."""

import http.client
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
import structlog
from prometheus_client import CollectorRegistry, Gauge

from textsieve.worker.connectors import http as door
from textsieve.worker.connectors.http import MAX_CONNECTIONS, Probes, serve
from textsieve.worker.errors import ConfigurationError
from textsieve.worker.health import Health
from textsieve.worker.settings import HttpSettings
from textsieve.worker.testing import ManualClock

pytestmark = pytest.mark.enable_socket


@contextmanager
def served() -> Iterator[int]:
    registry = CollectorRegistry()
    Gauge("textsieve_turns", "Turns.", registry=registry).set(3)
    log = structlog.stdlib.get_logger("test")
    with serve(HttpSettings(port=0), Probes(Health(), registry, 60.0, ManualClock(), log)) as port:
        yield port


def status(port: int, method: str, path: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request(method, path, body=b"x" if method in ("POST", "PUT", "PATCH") else None)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_it_listens_on_loopback_unless_told_otherwise() -> None:
    assert "127.0.0.1" == HttpSettings().host


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"])
@pytest.mark.parametrize("path", ["/metrics", "/livez", "/"])
def test_nothing_can_be_written(method: str, path: str) -> None:
    with served() as port:
        found, _ = status(port, method, path)

    assert 501 == found


@pytest.mark.parametrize("path", ["/", "/../etc/passwd", "/metrics/", "/%2e%2e/", "/debug"])
def test_only_four_paths_are_known(path: str) -> None:
    with served() as port:
        found, body = status(port, "GET", path)

    assert (404, b"try /metrics, /livez, /readyz or /startupz\n") == (found, body)


def test_a_taken_port_names_its_setting() -> None:
    with (
        served() as port,
        pytest.raises(ConfigurationError, match=r"http\.port"),
        serve(HttpSettings(port=port), Probes(Health(), CollectorRegistry(), 1, ManualClock(), None)),
    ):
        pass


def test_one_byte_at_a_time_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "REQUEST_SECONDS", 0.3)
    began = time.monotonic()
    with served() as port, socket.create_connection(("127.0.0.1", port), timeout=5) as slow:
        with suppress(OSError):  # the end of the connection, and of this test's patience otherwise
            while time.monotonic() - began < 4:
                slow.sendall(b"G")
                time.sleep(0.05)
        after = status(port, "GET", "/metrics")[0]

    assert time.monotonic() - began < 3
    assert 200 == after


def test_silent_connections_are_let_go_and_the_next_scrape_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "REQUEST_SECONDS", 0.5)
    with served() as port:
        silent = [socket.create_connection(("127.0.0.1", port), timeout=5) for _ in range(3 * MAX_CONNECTIONS)]
        endings = [connection.recv(1) for connection in silent]
        after, body = status(port, "GET", "/metrics")
        for connection in silent:
            connection.close()

    assert {b""} == set(endings)
    assert 200 == after
    assert b"textsieve_turns 3.0" in body


def test_a_request_line_without_end_is_refused() -> None:
    with served() as port, socket.create_connection(("127.0.0.1", port), timeout=5) as client:
        client.sendall(b"GET /" + b"a" * 70_000 + b" HTTP/1.0\r\n\r\n")
        answer = client.recv(100)

    assert b" 414 " in answer
