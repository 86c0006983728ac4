"""The embedded store: Valkey (or Redis) on loopback, forgetting everything at its end unless told otherwise."""

import socket
from collections.abc import Sequence
from pathlib import Path

from textsieve.embedded.binaries import store_binary
from textsieve.embedded.listening import LOOPBACK
from textsieve.embedded.server import Server

ANSWER_SECONDS = 1.0
DURABLE = ("--appendonly", "yes", "--appendfsync", "always")  # an acknowledged write survives kill -9
FORGETFUL = ("--appendonly", "no")


class Store(Server):
    """A Redis of our own.

    Args:
        port: Where to listen; a free port if None.
        binary: The valkey-server or redis-server program; found as `store_binary` says if None.
        directory: For the log; a temporary one if None.
        data_directory: Keeps every acknowledged write in an append-only file there: `kill` and `start` bring
            the data back. Nothing is kept if None.

    Raises:
        BinaryMissing: There is no store for this platform.
    """

    def __init__(
        self,
        *,
        port: int | None = None,
        binary: Path | None = None,
        directory: Path | None = None,
        data_directory: Path | None = None,
    ) -> None:
        program = str(store_binary(binary))
        super().__init__(
            name="store",
            command=lambda port: _command(program, port, data_directory),
            answers=answers_ping,
            port=port,
            directory=directory,
            hint="choose another with --store-port",
        )

    @property
    def redis_url(self) -> str:
        """What Redis clients want to know."""
        return f"redis://{self.address}/0"


def answers_ping(port: int) -> bool:
    """Whether the process behind the port answers PING; not yet while it still loads its data."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=ANSWER_SECONDS) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
    except OSError:
        return False


def _command(program: str, port: int, data_directory: Path | None) -> Sequence[str]:
    listen = ("--bind", LOOPBACK, "--port", str(port), "--daemonize", "no")
    keep = (*DURABLE, "--dir", str(data_directory.absolute())) if data_directory else FORGETFUL
    # noeviction: centroids must never be thrown away to make room
    return (program, *listen, "--save", "", *keep, "--maxmemory-policy", "noeviction")
