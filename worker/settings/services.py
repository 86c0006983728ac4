"""Broker and store: where they are, and who the worker is to them."""

import re
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, model_validator
from pydantic_settings import NoDecode

from textsieve.worker.settings.section import INT32, Name, Names, Section, split_commas

Risk = Literal[
    "replication", "min_insync_replicas", "unclean_leader_election", "compaction", "retention", "unseen"
]  # facts about topics that endanger the promise

_REDIS_NODE = re.compile(r"([\w.-]+|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?", re.ASCII)
_REDIS_URL = re.compile(rf"rediss?://{_REDIS_NODE.pattern}(/\d{{0,5}})?", re.ASCII)


Risks = Annotated[tuple[Risk, ...], NoDecode, BeforeValidator(split_commas)]


def _with_a_port(servers: tuple[str, ...]) -> tuple[str, ...]:
    for server in servers:
        port = server.rpartition(":")[2] if re.search(r":[^:/\]]*$", server) else "9092"
        if not (port.isdecimal() and int(port) < 2**16):
            raise ValueError(f"expected host:port, got {server}")
    return servers


def _redis_nodes(nodes: tuple[str, ...]) -> tuple[str, ...]:
    for node in nodes:
        if not _REDIS_NODE.fullmatch(node):
            raise ValueError(f"expected host:port, got {node}")
    return nodes


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
    max_poll_interval_ms: int | None = Field(
        None,
        ge=10_000,
        le=INT32,
        description="Longest time between polls before the group gives the partitions away, and how long a rebalance"
        " waits for its slowest member; 5 s more than the session if unset, 300 s with preset `embedded`.",
    )
    group_instance_id: str | None = Field(
        None,
        description="Static membership (real Kafka only): a stable name per worker avoids a rebalance at restarts. Of"
        " two workers with one name the older ends with exit 2.",
    )
    isolation_level: Literal["read_committed", "read_uncommitted"] | None = Field(
        None, description="read_committed skips messages of aborted transactions; preset if unset."
    )
    fetch_max_bytes: int = Field(
        8 * 1024 * 1024, ge=65_536, le=INT32, description="Prefetched bytes per request: bounds memory."
    )
    accept_risks: Risks = Field(
        (),
        description="Facts about topics to be silent about, comma separated, by the names that `check` gives them:"
        " replication, min_insync_replicas, unclean_leader_election, compaction, retention, unseen.",
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

    @property
    def poll_interval_ms(self) -> int:
        """The longest time between polls in force, in milliseconds."""
        # iterations are bounded far below a session; and the library waits as long for a lost answer to a join
        usual = 300_000 if self.preset == "embedded" else max(10_000, self.session_ms + 5_000)
        return self.max_poll_interval_ms or usual


class RedisSettings(Section):
    """Where the centroids are shared."""

    retries: ClassVar[int] = 2  # tries after the first, for a connection that was cut: the loop tries again later

    url: str = Field(
        "redis://127.0.0.1:6379/0",
        description="redis://host:port/db or rediss://host:port/db (TLS), nothing else in it.",
    )
    topology: Literal["single", "sentinel", "cluster"] = Field(
        "single",
        description="What `redis.url` names: the server itself, a `sentinel` that knows it, or a node of a `cluster`.",
    )
    nodes: Annotated[Names, AfterValidator(_with_a_port), AfterValidator(_redis_nodes)] | None = Field(
        None,
        description="More sentinels or cluster nodes (host:port, comma separated), asked where that of `redis.url` is"
        " away.",
    )
    sentinel_service: str | None = Field(None, description="What the sentinels call the primary.")
    sentinel_username: str | None = Field(None, description="ACL user of the sentinels, if they have one.")
    sentinel_password: SecretStr | None = Field(None, description="Password of the sentinels, if they have one.")
    username: str | None = Field(None, description="ACL user.")
    password: SecretStr | None = Field(None, description="Password of the ACL user.")
    ssl_cafile: Path | None = Field(None, description="CA certificates for rediss://.")
    ssl_certfile: Path | None = Field(None, description="Client certificate for rediss:// (PEM).")
    ssl_keyfile: Path | None = Field(None, description="Key of the client certificate (PEM).")
    ssl_password: SecretStr | None = Field(None, description="Password of the key.")
    timeout_seconds: float = Field(
        2.0, gt=0, le=3600, description="Patience for one command before classification goes on without."
    )

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

    @model_validator(mode="after")
    def _topology_has_what_it_needs(self) -> Self:
        because = f"redis.topology is {self.topology}"
        if self.topology != "sentinel":
            _refuse_unused(self, "sentinel_", because=because)
        elif self.sentinel_service is None:
            raise ValueError(f"redis.sentinel_service: expected the name of the primary, because {because}")
        if self.topology == "single":
            _refuse_unused(self, "nodes", because=because)
        if self.topology == "cluster" and self.database:
            raise ValueError(f"redis.url: expected database 0, the only one of a cluster, got {self.database}")
        return self

    @property
    def addresses(self) -> tuple[tuple[str, int], ...]:
        """Host and port of the server, or of each sentinel or node that may be asked."""
        given = [urlsplit(f"//{node}") for node in (urlsplit(self.url).netloc, *(self.nodes or ()))]
        port = 26_379 if self.topology == "sentinel" else 6_379
        return tuple((node.hostname or "", node.port or port) for node in given)

    @property
    def database(self) -> int:
        """The number in the URL."""
        return int(urlsplit(self.url).path.removeprefix("/") or 0)


def _refuse_unused(section: Section, prefix: str, *, because: str) -> None:
    """A credential that would be ignored is a connection less safe than its operator believes."""
    given = [
        name for name in type(section).model_fields if name.startswith(prefix) and getattr(section, name) is not None
    ]
    if given:
        raise ValueError(f"{', '.join(given)} would not be used, because {because}")
