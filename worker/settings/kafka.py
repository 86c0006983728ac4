"""The broker: where it is, who the worker is to it, and how it logs in."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, model_validator
from pydantic_settings import NoDecode

from textsieve.worker.settings.section import INT32, Name, Names, Section, refuse_unused, split_commas, with_a_port

Risk = Literal[
    "replication", "min_insync_replicas", "unclean_leader_election", "compaction", "retention", "unseen"
]  # facts about topics that endanger the promise
Risks = Annotated[tuple[Risk, ...], NoDecode, BeforeValidator(split_commas)]


class KafkaSettings(Section):
    """Where the stream comes from and goes to."""

    bootstrap_servers: Annotated[Names, AfterValidator(with_a_port)] = Field(
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
    alarm_topic: Name = Field("alarms", description="Topic of alarms, with `campaigns.enabled`; one partition.")
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
            refuse_unused(
                self, "ssl_", because=f"kafka.security_protocol is {self.security_protocol}: set SSL or SASL_SSL"
            )
        if self.security_protocol in ("PLAINTEXT", "SSL"):
            refuse_unused(self, "sasl_", because=f"kafka.security_protocol is {self.security_protocol}: set SASL_SSL")
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
