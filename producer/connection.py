"""How to reach and trust the brokers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from textsieve.kafka_client.bootstrap import patient_client
from textsieve.producer.errors import ConfigurationError

HIGHEST_PORT = 65_535  # of TCP
CONNECT_SECONDS = 8.0  # patience with a broker that does not answer: a person is waiting


@dataclass(frozen=True, slots=True)
class Connection:
    """Where the brokers are and how to log in; the names are the worker's `kafka.*` settings.

    Raises:
        ConfigurationError: Protocol and credentials do not fit each other.
    """

    bootstrap_servers: tuple[str, ...] = ("127.0.0.1:9092",)
    security_protocol: str = "PLAINTEXT"
    ssl_cafile: Path | None = None
    ssl_certfile: Path | None = None
    ssl_keyfile: Path | None = None
    ssl_password: str | None = field(default=None, repr=False)
    sasl_mechanism: str | None = None
    sasl_username: str | None = None
    sasl_password: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if not self.bootstrap_servers:
            raise ConfigurationError("expected a broker, got none: set --bootstrap-servers host:port")
        for server in self.bootstrap_servers:
            port = server.rpartition(":")[2]
            if not (port.isascii() and port.isdigit() and 0 < int(port) <= HIGHEST_PORT):
                raise ConfigurationError(
                    f"--bootstrap-servers: expected host:port with a port from 1 to {HIGHEST_PORT}, got {server!r}"
                )
        uses_sasl = self.security_protocol.startswith("SASL_")
        if uses_sasl and not (self.sasl_mechanism and self.sasl_username and self.sasl_password):
            raise ConfigurationError(
                f"--security-protocol {self.security_protocol} needs --sasl-mechanism, --sasl-username and the"
                " environment variable TEXTSIEVE_KAFKA__SASL_PASSWORD or TEXTSIEVE_KAFKA__SASL_PASSWORD_FILE"
            )
        if not uses_sasl and (self.sasl_mechanism or self.sasl_username):
            raise ConfigurationError(
                f"a SASL login would not be used with --security-protocol {self.security_protocol}:"
                " set SASL_SSL (or SASL_PLAINTEXT inside a trusted network)"
            )

    def client_options(self) -> dict[str, Any]:
        """The options that every kafka-python client takes."""
        files = {"ssl_cafile": self.ssl_cafile, "ssl_certfile": self.ssl_certfile, "ssl_keyfile": self.ssl_keyfile}
        return {
            "bootstrap_servers": list(self.bootstrap_servers),
            "bootstrap_timeout_ms": int(CONNECT_SECONDS * 1000),
            "kafka_client": patient_client,
            "security_protocol": self.security_protocol,
            **{name: None if path is None else str(path) for name, path in files.items()},
            "ssl_password": self.ssl_password,
            "sasl_mechanism": self.sasl_mechanism,
            "sasl_plain_username": self.sasl_username,
            "sasl_plain_password": self.sasl_password,
        }


def read_secret(environ: Mapping[str, str], name: str) -> str | None:
    """A secret from the variable `name`, or from the file that `{name}_FILE` names (its last newline cut off).

    Raises:
        ConfigurationError: Both are set, or the file cannot be read.
    """
    value, path = environ.get(name), environ.get(f"{name}_FILE")
    if value is not None and path is not None:
        raise ConfigurationError(f"{name} and {name}_FILE are both set: keep one")
    if path is None:
        return value
    try:
        return Path(path).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeError) as error:
        raise ConfigurationError(f"{name}_FILE: cannot read the secret: {error}") from None
