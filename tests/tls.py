"""Certificates of a made-up authority, and a proxy that puts TLS in front of a server that has none."""

import contextlib
import selectors
import socket
import ssl
import threading
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Self

import trustme
from cryptography.hazmat.primitives import serialization

LOOPBACK = "127.0.0.1"
PATIENCE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Pem:
    """Files of one certificate."""

    certfile: Path
    keyfile: Path

    def encrypted(self, password: str) -> Self:
        """The same with the key under a password."""
        key = serialization.load_pem_private_key(self.keyfile.read_bytes(), password=None)
        keyfile = self.keyfile.with_suffix(".encrypted.pem")
        keyfile.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.BestAvailableEncryption(password.encode()),
            )
        )
        return replace(self, keyfile=keyfile)


class Authority:
    """A certificate authority that nobody else trusts."""

    def __init__(self, folder: Path, name: str = "ca") -> None:
        self._ca = trustme.CA(organization_name=name)
        self._folder, self._name, self._issued = folder, name, 0
        self.cafile = folder / f"{name}.pem"
        self._ca.cert_pem.write_to_path(self.cafile)

    def issue(self, identity: str = LOOPBACK) -> Pem:
        """A certificate for a host name or address."""
        self._issued += 1
        issued = self._ca.issue_cert(identity)
        pem = Pem(self._path("cert"), self._path("key"))
        pem.certfile.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
        issued.private_key_pem.write_to_path(pem.keyfile)
        return pem

    def _path(self, what: str) -> Path:
        return self._folder / f"{self._name}-{self._issued}-{what}.pem"


class TlsProxy:
    """Speaks TLS on a loopback port and passes plain bytes to another one.

    Args:
        server: the certificate to show.
        clients_of: demand a client certificate that this authority has signed.
    """

    def __init__(self, server: Pem, *, clients_of: Authority | None = None) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(server.certfile, server.keyfile)
        if clients_of is not None:
            self._context.verify_mode = ssl.CERT_REQUIRED
            self._context.load_verify_locations(clients_of.cafile)
        self._listener = socket.create_server((LOOPBACK, 0))
        self.port = int(self._listener.getsockname()[1])
        self.target_port = 0
        self.handshakes = 0  # that succeeded
        self._threads: list[threading.Thread] = []
        self._closing = threading.Event()

    def __enter__(self) -> Self:
        self._spawn(self._accept)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._closing.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(PATIENCE_SECONDS)

    def _spawn(self, target: object, *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)  # type: ignore[arg-type]
        thread.start()
        self._threads.append(thread)

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                raw, _ = self._listener.accept()
            except OSError:
                return
            self._spawn(self._serve, raw)

    def _serve(self, raw: socket.socket) -> None:
        raw.settimeout(PATIENCE_SECONDS)
        with raw, contextlib.suppress(OSError), self._context.wrap_socket(raw, server_side=True) as client:
            self.handshakes += 1
            with socket.create_connection((LOOPBACK, self.target_port), timeout=PATIENCE_SECONDS) as server:
                self._relay(client, server)

    def _relay(self, client: ssl.SSLSocket, server: socket.socket) -> None:
        with selectors.DefaultSelector() as ready:
            ready.register(client, selectors.EVENT_READ, server)
            ready.register(server, selectors.EVENT_READ, client)
            while not self._closing.is_set():
                for key, _ in ready.select(timeout=0.2):
                    source = key.fileobj
                    received = source.recv(65_536)  # type: ignore[union-attr]
                    while isinstance(source, ssl.SSLSocket) and source.pending():
                        received += source.recv(65_536)
                    if not received:
                        return
                    key.data.sendall(received)
