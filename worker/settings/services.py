"""Broker and store: where they are, and who the worker is to them."""

import re
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from worker.settings.section import INT32, Name, Names, Section

_REDIS_URL = re.compile(r"rediss?://([\w.-]+|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?(/\d{0,5})?", re.ASCII)


def _with_a_port(servers: tuple[str, ...]) -> tuple[str, ...]:
    for server in servers:
        port = server.rpartition(":")[2] if re.search(r":[^:/\]]*$", server) else "9092"
        if not (port.isdecimal() and int(port) < 2**16):
            raise ValueError(f"expected host:port, came {server}")
    return servers


class KafkaSettings(Section):
    """Where the stream comes from and goes to."""

    bootstrap_servers: Annotated[Names, AfterValidator(_with_a_port)] = Field(
        ("127.0.0.1:9092",), description="Brokers to ask first, comma separated."
    )
    preset: Literal["kafka", "embedded"] = Field(
        "kafka",
        description="Timing and assignment for the broker: `kafka` (session 45 s, cooperative-sticky, read_committed)"
        " or `embedded` (session 6 s, range: takes over a dead worker's partitions in about 11 s).",
    )
    input_topics: Names = Field(("messages",), description="Topics to label, comma separated.")
    output_topic: Name = Field("labels", description="Topic of results; as many partitions as the widest input topic.")
    dead_letter_topic: Name = Field(
        "dead-letters",
        description="Topic of messages that cannot be labelled; as many partitions as the output.",
    )
    group_id: Name = Field("textsieve", description="Consumer group: workers of one group share the partitions.")
    auto_offset_reset: Literal["earliest", "latest"] = Field(
        "earliest", description="Where a group without committed offsets starts."
    )
    session_timeout_ms: int | None = Field(
        None,
        ge=3000,
        le=INT32,
        description="Silence after which the group gives a worker's partitions away; preset if unset.",
    )
    max_poll_interval_ms: int = Field(
        300_000,
        ge=10_000,
        le=INT32,
        description="Longest time between polls before the group gives the partitions away.",
    )
    group_instance_id: str | None = Field(
        None,
        description="Static membership (real Kafka only): a stable name per worker avoids a rebalance at restarts.",
    )
    isolation_level: Literal["read_committed", "read_uncommitted"] | None = Field(
        None, description="read_committed skips messages of aborted transactions; preset if unset."
    )
    fetch_max_bytes: int = Field(
        8 * 1024 * 1024, ge=65_536, le=INT32, description="Prefetched bytes per request: bounds memory."
    )
    compression: Literal["none", "gzip", "snappy", "lz4", "zstd"] = Field(
        "lz4", description="Codec of results and dead letters."
    )
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="How to talk to the brokers; use SSL or SASL_SSL outside a trusted network."
    )
    ssl_cafile: Path | None = Field(None, description="CA certificates that sign the brokers'.")
    ssl_certfile: Path | None = Field(None, description="Client certificate (PEM).")
    ssl_keyfile: Path | None = Field(None, description="Key of the client certificate (PEM).")
    ssl_password: SecretStr | None = Field(None, description="Password of the key.")
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"] | None = Field(
        None, description="How to log in when the protocol is SASL_*."
    )
    sasl_username: str | None = Field(None, description="User for PLAIN and SCRAM.")
    sasl_password: SecretStr | None = Field(None, description="Password for PLAIN and SCRAM.")
    sasl_oauth_token: SecretStr | None = Field(
        None, description="Bearer token for OAUTHBEARER, for as long as the worker lives."
    )
    sasl_oauth_token_file: Path | None = Field(
        None, description="File with the bearer token for OAUTHBEARER, read anew at every login."
    )

    @model_validator(mode="after")
    def _credentials_are_used(self) -> Self:
        if self.security_protocol in ("PLAINTEXT", "SASL_PLAINTEXT"):
            _refuse_unused(
                self, "ssl_", because=f"kafka.security_protocol is {self.security_protocol}: set SSL or SASL_SSL"
            )
        if self.security_protocol in ("PLAINTEXT", "SSL"):
            _refuse_unused(self, "sasl_", because=f"kafka.security_protocol is {self.security_protocol}: set SASL_SSL")
        return self

    @property
    def session_ms(self) -> int:
        """The session timeout in force, in milliseconds."""
        return self.session_timeout_ms or (6_000 if self.preset == "embedded" else 45_000)


class RedisSettings(Section):
    """Where the centroids are shared."""

    url: str = Field(
        "redis://127.0.0.1:6379/0",
        description="redis://host:port/db or rediss://host:port/db (TLS), nothing else in it.",
    )
    username: str | None = Field(None, description="ACL user.")
    password: SecretStr | None = Field(None, description="Password of the ACL user.")
    ssl_cafile: Path | None = Field(None, description="CA certificates for rediss://.")
    ssl_certfile: Path | None = Field(None, description="Client certificate for rediss:// (PEM).")
    ssl_keyfile: Path | None = Field(None, description="Key of the client certificate (PEM).")
    ssl_password: SecretStr | None = Field(None, description="Password of the key.")
    timeout_seconds: float = Field(
        2.0, gt=0, le=3600, description="Patience for one command before classification goes on without."
    )
    retries: int = Field(2, ge=0, description="Tries after the first before a command counts as failed.")

    @model_validator(mode="after")
    def _url_says_where_alone(self) -> Self:
        if not _REDIS_URL.fullmatch(self.url):  # a query could hold a password, or switch the checks of TLS off
            raise ValueError(
                "redis.url: expected redis://host:port/db or rediss://host:port/db without user, password or query; set"
                " redis.username, redis.password and redis.ssl_*"
            )
        if self.url.startswith("redis://"):
            _refuse_unused(self, "ssl_", because="redis.url does not begin with rediss://")
        return self


def _refuse_unused(section: Section, prefix: str, *, because: str) -> None:
    """A credential that would be ignored is a connection less safe than its operator believes."""
    given = [
        name for name in type(section).model_fields if name.startswith(prefix) and getattr(section, name) is not None
    ]
    if given:
        raise ValueError(f"{', '.join(given)} would not be used, because {because}")
