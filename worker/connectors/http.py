"""/metrics and the three probes; read-only, and no payload ever passes here."""

import errno
import socket
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import structlog
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from textsieve.worker.errors import ConfigurationError
from textsieve.worker.health import Health
from textsieve.worker.settings import HttpSettings

REQUEST_SECONDS = 5.0  # for a whole request and its answer, however slowly they are read; a scrape takes milliseconds
USUAL_PORTS = range(9100, 9200)  # where http.port is unset: a hundred workers of one machine find room
MAX_CONNECTIONS = 16  # at a time; a scraper and three probes need four


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP response."""

    status: HTTPStatus
    body: bytes
    content_type: str = "text/plain; charset=utf-8"


@dataclass(slots=True)
class Probes:
    """Answers GET requests from the worker's health and registry.

    Attributes:
        clock: monotonic seconds, the same as the loop's.
    """

    health: Health
    registry: CollectorRegistry
    stuck_after_seconds: float
    clock: Callable[[], float]
    log: structlog.stdlib.BoundLogger
    _reported_stuck: bool = False

    def answer(self, path: str, accept: str) -> Answer:
        """The response to one path; /livez speaks of the loop alone, never of broker or store."""
        match path.partition("?")[0]:
            case "/metrics":
                encoder, content_type = _encoder(accept)
                return Answer(HTTPStatus.OK, encoder(self.registry), content_type)
            case "/livez":
                alive = self.health.alive(now=self.clock(), stuck_after_seconds=self.stuck_after_seconds)
                if not alive and not self._reported_stuck:
                    self.log.error("the loop is stuck", stacks=_stacks())
                self._reported_stuck = not alive
                return _verdict(alive, "alive", "the loop has not got on for too long")
            case "/readyz":
                return _verdict(self.health.ready(), "ready", f"not ready: {_reasons(self.health)}")
            case "/startupz":
                return _verdict(self.health.started, "started", "the model is still loading")
            case _:
                return Answer(HTTPStatus.NOT_FOUND, b"try /metrics, /livez, /readyz or /startupz\n")


def _stacks() -> str:
    """Where every thread stands: lines of code, never values. In memory alone, for the disk may be what is stuck."""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    return "\n".join(
        f"thread {names.get(ident, ident)}:\n{''.join(traceback.format_stack(frame))}"
        for ident, frame in sys._current_frames().items()  # noqa: SLF001  # the documented way
    )


def _encoder(accept: str) -> tuple[Callable[[CollectorRegistry], bytes], str]:
    try:
        return choose_encoder(accept)
    except (TypeError, ValueError):  # a version that is no number
        return choose_encoder("")


def _verdict(good: bool, yes: str, no: str) -> Answer:  # noqa: FBT001  # the verdict is the argument
    return (
        Answer(HTTPStatus.OK, f"{yes}\n".encode())
        if good
        else Answer(HTTPStatus.SERVICE_UNAVAILABLE, f"{no}\n".encode())
    )


def _reasons(health: Health) -> str:
    reasons = {
        "starting": not health.started,
        "not in the consumer group": not health.joined,
        "broker away": not health.broker_ok,
        "stopping": health.stopping,
    }
    return ", ".join(reason for reason, applies in reasons.items() if applies)


class _BoundedServer(ThreadingHTTPServer):
    """Answers a few at a time: whoever opens connections and says nothing holds a place for seconds, not memory."""

    daemon_threads = True
    request_queue_size = 2 * MAX_CONNECTIONS

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        self._places = threading.BoundedSemaphore(MAX_CONNECTIONS)
        super().__init__(address, handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._places.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A scraper that went away is not news."""


def _listening(settings: HttpSettings, handler: type[BaseHTTPRequestHandler]) -> _BoundedServer:
    """On the port that is set, or on the first free one from the usual one on."""
    ports = USUAL_PORTS if settings.port is None else [settings.port]
    for port in ports:
        try:
            return _BoundedServer((settings.host, port), handler)
        except OSError as error:
            if error.errno != errno.EADDRINUSE or port == ports[-1]:
                raise ConfigurationError(
                    f"http.port: expected a free port on {settings.host}, {port} is not ({error.strerror});"
                    " choose another, or 0 for any"
                ) from error
    raise AssertionError(ports)  # there is a last one


@contextmanager
def serve(settings: HttpSettings, probes: Probes) -> Iterator[int]:
    """Answer in a daemon thread until the block ends.

    Yields:
        The port, also where the settings left it open.

    Raises:
        ConfigurationError: the port is taken.
    """

    class Handler(BaseHTTPRequestHandler):
        server_version, sys_version = "textsieve", ""

        def setup(self) -> None:
            super().setup()
            self._deadline = threading.Timer(REQUEST_SECONDS, self._cut)
            self._deadline.daemon = True
            self._deadline.start()

        def finish(self) -> None:
            self._deadline.cancel()
            super().finish()

        def _cut(self) -> None:
            with suppress(OSError):  # it is gone already
                self.connection.shutdown(socket.SHUT_RDWR)

        def do_GET(self) -> None:
            answer = probes.answer(self.path, self.headers.get("Accept", ""))
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.content_type)
            self.send_header("Content-Length", str(len(answer.body)))
            with suppress(ConnectionError):  # a probe that gave up is no news, and its traceback would look like some
                self.end_headers()
                self.wfile.write(answer.body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the library's own name
            """Scrapes are not news."""

    server = _listening(settings, Handler)
    thread = threading.Thread(target=server.serve_forever, name="http", daemon=True)
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()
        thread.join(1.0)
