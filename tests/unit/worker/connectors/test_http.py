"""What a probe and a scrape get to see."""

import socket
import struct
import tempfile
import threading
import urllib.error
import urllib.request
from http import HTTPStatus

import pytest
import structlog
from prometheus_client import CollectorRegistry, Counter, disable_created_metrics
from structlog.testing import capture_logs

from textsieve.worker.connectors.http import Probes, serve
from textsieve.worker.errors import ConfigurationError
from textsieve.worker.health import Health
from textsieve.worker.settings import HttpSettings
from textsieve.worker.testing import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(100.0)


@pytest.fixture
def probes(clock) -> Probes:
    registry = CollectorRegistry()
    Counter("textsieve_things", "Things", registry=registry).inc(3)
    health = Health(started=True, last_turn=clock.now, joined=True)
    return Probes(health, registry, 60.0, clock, structlog.stdlib.get_logger("test"))


def status(probes: Probes, path: str) -> int:
    return probes.answer(path, "").status


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/startupz", "/metrics", "/livez?verbose=1"])
def test_a_worker_that_is_well_says_so(probes, path):
    assert HTTPStatus.OK == status(probes, path)


def test_before_the_model_is_loaded_a_worker_is_alive_and_nothing_else(probes):
    probes.health = Health()

    assert [200, 503, 503] == [status(probes, path) for path in ("/livez", "/readyz", "/startupz")]


def test_a_loop_that_does_not_turn_is_not_alive(probes, clock):
    clock.advance(60)

    assert HTTPStatus.SERVICE_UNAVAILABLE == status(probes, "/livez")


def test_a_stuck_loop_shows_where_it_stands_once(probes, clock):
    clock.advance(60)

    with capture_logs() as lines:
        probes.answer("/livez", "")
        probes.answer("/livez", "")

    assert ["the loop is stuck"] == [line["event"] for line in lines]
    assert "test_a_stuck_loop_shows_where_it_stands_once" in lines[0]["stacks"]


def test_a_loop_that_gets_stuck_once_more_shows_where_once_more(probes, clock):
    with capture_logs() as lines:
        clock.advance(60)
        probes.answer("/livez", "")
        probes.health.last_turn = clock.now
        probes.answer("/livez", "")
        clock.advance(60)
        probes.answer("/livez", "")

    assert ["the loop is stuck"] * 2 == [line["event"] for line in lines]


def test_a_stuck_loop_shows_where_it_stands_without_a_place_for_files(probes, clock, monkeypatch):
    """A container's file system may be read-only, and a full disk must not silence this."""
    monkeypatch.setattr(tempfile, "tempdir", "/nonexistent")
    clock.advance(60)

    with capture_logs() as lines:
        answer = probes.answer("/livez", "")

    assert (HTTPStatus.SERVICE_UNAVAILABLE, 1) == (answer.status, len(lines))


def test_the_stacks_of_all_threads_are_shown_by_name(probes, clock):
    clock.advance(60)
    done = threading.Event()
    other = threading.Thread(target=done.wait, name="another thread", daemon=True)
    other.start()

    with capture_logs() as lines:
        probes.answer("/livez", "")
    done.set()

    assert "another thread" in lines[0]["stacks"]


def test_all_reasons_against_readiness_are_named(probes):
    probes.health = Health(broker_ok=False, store_ok=False, stopping=True)

    answer = probes.answer("/readyz", "")

    assert (
        b"not ready: starting, not in the consumer group, broker away, stopping\n",
        HTTPStatus.SERVICE_UNAVAILABLE,
    ) == (answer.body, answer.status)


def test_the_absence_of_broker_and_store_leaves_a_worker_alive(probes):
    probes.health.broker_ok = probes.health.store_ok = False

    assert [200, 503] == [status(probes, path) for path in ("/livez", "/readyz")]


@pytest.mark.parametrize(
    ("accept", "content_type", "ending"),
    [
        ("", "text/plain", b"textsieve_things_total 3.0\n"),
        ("application/openmetrics-text", "application/openmetrics-text", b"textsieve_things_total 3.0\n# EOF\n"),
    ],
)
def test_metrics_come_in_the_format_that_was_asked_for(probes, accept, content_type, ending):
    disable_created_metrics()

    answer = probes.answer("/metrics", accept)

    assert content_type == answer.content_type.partition(";")[0]
    assert answer.body.endswith(ending)


def test_any_other_path_says_which_there_are(probes):
    answer = probes.answer("/", "")

    assert (HTTPStatus.NOT_FOUND, b"try /metrics, /livez, /readyz or /startupz\n") == (answer.status, answer.body)


def test_a_server_answers_on_a_free_port(probes):
    with (
        serve(HttpSettings(port=0), probes) as port,
        urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as response,
    ):
        answer = response.status, response.headers["Content-Type"], response.read()

    assert (200, "text/plain; charset=utf-8", b"ready\n") == answer


def test_a_server_passes_a_refusal_on(probes):
    probes.health.stopping = True

    with serve(HttpSettings(port=0), probes) as port, pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5)

    assert (503, b"not ready: stopping\n") == (refused.value.code, refused.value.read())
    refused.value.close()


def test_a_scraper_that_hangs_up_is_no_news(probes, capfd):
    with serve(HttpSettings(port=0), probes) as port:
        for _ in range(20):
            connection = socket.create_connection(("127.0.0.1", port), timeout=5)
            connection.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/livez", timeout=5) as answer:
            assert HTTPStatus.OK == answer.status

    assert "" == capfd.readouterr().err


@pytest.mark.parametrize("accept", ["application/openmetrics-text;version=zzz", "text/plain;version=;q=x,,"])
def test_a_scraper_that_asks_for_nonsense_gets_plain_text(probes, accept):
    answer = probes.answer("/metrics", accept)

    assert HTTPStatus.OK == answer.status
    assert b"textsieve_things_total 3.0" in answer.body


def test_after_the_block_the_port_is_free_again(probes):
    with serve(HttpSettings(port=0), probes) as port:
        pass

    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", port), timeout=5)


def test_a_taken_port_is_named_with_what_to_do(probes):
    with socket.create_server(("127.0.0.1", 0)) as squatter:
        port = squatter.getsockname()[1]

        with (
            pytest.raises(ConfigurationError, match=rf"http.port: expected a free port on 127.0.0.1, {port} is not"),
            serve(HttpSettings(port=port), probes),
        ):
            pass


def test_several_workers_on_one_machine_listen_side_by_side(probes, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as squatter:
        taken = squatter.getsockname()[1]
        monkeypatch.setattr("textsieve.worker.connectors.http.USUAL_PORTS", range(taken, taken + 50))

        with serve(HttpSettings(), probes) as first, serve(HttpSettings(), probes) as second:
            ports = [taken, first, second]

    assert sorted(set(ports)) == ports


def test_where_every_usual_port_is_taken_a_port_is_asked_for(probes, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as squatter:
        taken = squatter.getsockname()[1]
        monkeypatch.setattr("textsieve.worker.connectors.http.USUAL_PORTS", range(taken, taken + 1))

        with pytest.raises(ConfigurationError, match=r"http\.port"), serve(HttpSettings(), probes):
            pass


def test_an_address_of_another_machine_is_a_wrong_setting(probes):
    with (
        pytest.raises(ConfigurationError, match=r"http\.port"),
        serve(HttpSettings(host="203.0.113.1", port=0), probes),
    ):
        pass


@pytest.mark.enable_socket
def test_a_client_that_hangs_up_leaves_no_traceback(probes, capfd):
    asked, hung_up = threading.Event(), threading.Event()
    threads = []

    class Slow(Probes):
        def answer(self, path, accept):
            threads.append(threading.current_thread())
            asked.set()
            hung_up.wait(5)
            return super().answer(path, accept)

    slow = Slow(probes.health, probes.registry, 60.0, probes.clock, probes.log)
    with serve(HttpSettings(port=0), slow) as port:
        client = socket.create_connection(("127.0.0.1", port), timeout=5)
        client.sendall(b"GET /livez HTTP/1.0\r\n\r\n")
        asked.wait(5)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # closes with a reset
        client.close()
        hung_up.set()
        threads[0].join(5)

    assert "" == capfd.readouterr().err
