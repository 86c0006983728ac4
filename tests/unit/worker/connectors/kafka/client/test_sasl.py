"""The login as it goes over the wire, to a loopback socket that speaks just enough Kafka to be logged in to.

No broker here speaks SASL: these are the client's own bytes, and what it makes of a refusal.
"""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from kafka.admin import KafkaAdminClient

from textsieve.worker.connectors.kafka.client import options
from textsieve.worker.connectors.kafka.client.options import connecting, connection_options
from textsieve.worker.errors import BrokerUnavailable, ConfigurationError
from textsieve.worker.settings import KafkaSettings

pytestmark = pytest.mark.enable_socket

API_VERSIONS, SASL_HANDSHAKE, SASL_AUTHENTICATE = 18, 17, 36
SASL_AUTHENTICATION_FAILED, UNSUPPORTED_VERSION, UNSUPPORTED_SASL_MECHANISM = 58, 35, 33
SECRET = "planted-53cr3t"
PATIENCE_MS = (700, 5_000, 20_000)


class LoginRecorder:
    """Answers ApiVersions (version 0), SaslHandshake and SaslAuthenticate (version 0), and refuses every login."""

    def __init__(self, mechanism: str) -> None:
        self._mechanism = mechanism.encode()
        self.mechanisms: list[bytes] = []
        self.logins: list[bytes] = []

    def serve(self, listener: socket.socket) -> None:
        try:
            while True:
                connection, _ = listener.accept()
                with connection:
                    self._converse(connection)
        except OSError:
            return

    def _converse(self, connection: socket.socket) -> None:
        while request := _frame(connection):
            api, version, correlation = struct.unpack(">hhi", request[:8])
            (client_id,) = struct.unpack(">h", request[8:10])
            answer = self._answer(api, version, request[10 + client_id :])
            connection.sendall(struct.pack(">ii", 4 + len(answer), correlation) + answer)

    def _answer(self, api: int, version: int, body: bytes) -> bytes:
        if api == API_VERSIONS:
            apis = [(API_VERSIONS, 0), (SASL_HANDSHAKE, 1), (SASL_AUTHENTICATE, 0), (3, 1)]
            keys = b"".join(struct.pack(">hhh", key, 0, highest) for key, highest in apis)
            return struct.pack(">hi", UNSUPPORTED_VERSION if version else 0, len(apis)) + keys
        if api == SASL_HANDSHAKE:
            self.mechanisms.append(body[2:])
            error = 0 if body[2:] == self._mechanism else UNSUPPORTED_SASL_MECHANISM
            return struct.pack(">hih", error, 1, len(self._mechanism)) + self._mechanism
        self.logins.append(body[4:])
        return struct.pack(">hh", SASL_AUTHENTICATION_FAILED, 2) + b"no" + struct.pack(">i", 0)


def _frame(connection: socket.socket) -> bytes:
    head = connection.recv(4, socket.MSG_WAITALL)
    return connection.recv(struct.unpack(">i", head)[0], socket.MSG_WAITALL) if len(head) == 4 else b""


@contextmanager
def recording(recorder: LoginRecorder) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=recorder.serve, args=(listener,), daemon=True)
        thread.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def log_in(server: str, mechanism: str, **credentials: object) -> None:
    """Try for a short time, which fails as it should; for longer where this machine was too busy to come to an end."""
    with pytest.MonkeyPatch.context() as patch:
        for patience_ms in PATIENCE_MS:
            patch.setattr(options, "BOOTSTRAP_TIMEOUT_MS", patience_ms)
            try:
                _log_in(server, mechanism, **credentials)
            except BrokerUnavailable as unavailable:
                if "timed out" not in str(unavailable).lower() or patience_ms == PATIENCE_MS[-1]:
                    raise


def _log_in(server: str, mechanism: str, **credentials: object) -> None:
    settings = KafkaSettings(
        bootstrap_servers=(server,), security_protocol="SASL_PLAINTEXT", sasl_mechanism=mechanism, **credentials
    )
    with connecting("logging in"):
        KafkaAdminClient(**connection_options(settings))


@pytest.mark.parametrize(
    ("mechanism", "begins"),
    [
        ("PLAIN", b"worker\0worker\0" + SECRET.encode()),
        ("SCRAM-SHA-256", b"n,,n=worker,r="),
        ("SCRAM-SHA-512", b"n,,n=worker,r="),
    ],
)
def test_a_refused_password_names_its_settings_and_stays_secret(
    mechanism: str, begins: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    recorder = LoginRecorder(mechanism)
    with recording(recorder) as server, pytest.raises(ConfigurationError, match=r"check kafka\.sasl_\*") as caught:
        log_in(server, mechanism, sasl_username="worker", sasl_password=SECRET)

    assert {mechanism.encode()} == set(recorder.mechanisms)
    assert recorder.logins[0].startswith(begins)
    assert SECRET not in str(caught.value) + "".join(capfd.readouterr())
    assert mechanism == "PLAIN" or SECRET.encode() not in b"".join(recorder.logins)


def test_a_token_is_read_anew_for_every_login(tmp_path) -> None:
    path = tmp_path / "token"
    path.write_text("first\n", encoding="ascii")
    recorder = LoginRecorder("OAUTHBEARER")
    with recording(recorder) as server:
        for token in ("first", "second"):
            path.write_text(token, encoding="ascii")
            with pytest.raises(ConfigurationError, match=r"check kafka\.sasl_\*"):
                log_in(server, "OAUTHBEARER", sasl_oauth_token_file=path)

    assert b"n,,\x01auth=Bearer first\x01\x01" == recorder.logins[0]
    assert b"n,,\x01auth=Bearer second\x01\x01" == recorder.logins[-1]


def test_a_mechanism_that_the_broker_lacks_is_named() -> None:
    with (
        recording(LoginRecorder("GSSAPI")) as server,
        pytest.raises(ConfigurationError, match=r"UnsupportedSaslMechanism.*kafka\.sasl_\*"),
    ):
        log_in(server, "PLAIN", sasl_username="worker", sasl_password=SECRET)


def test_a_broker_without_a_listener_names_the_address() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        server = f"127.0.0.1:{free.getsockname()[1]}"

    with pytest.raises(BrokerUnavailable, match=r"ECONNREFUSED.*start a broker.*kafka\.bootstrap_servers"):
        log_in(server, "PLAIN", sasl_username="worker", sasl_password=SECRET)
