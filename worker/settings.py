"""Every option of a worker, typed, once."""

import os
import re
import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

ENV_PREFIX = "TEXTSIEVE_"
_REDIS_URL = re.compile(r"rediss?://([\w.-]+|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?(/\d{0,5})?", re.ASCII)
_TRACES_URL = re.compile(r"https?://[^/\s@]+(/\S*)?")


def _split_commas(value: object) -> object:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def _with_a_port(servers: tuple[str, ...]) -> tuple[str, ...]:
    for server in servers:
        port = server.rpartition(":")[2] if re.search(r":[^:/\]]*$", server) else "9092"
        if not (port.isdecimal() and int(port) < 2**16):
            raise ValueError(f"expected host:port, came {server}")
    return servers


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split_commas), Field(min_length=1)]
Name = Annotated[str, Field(min_length=1)]
Share = Annotated[float, Field(ge=0, le=1)]
INT32 = 2**31 - 1  # Kafka's requests hold times and sizes in 32 bits


class Section(BaseModel):
    """A group of options; unknown names are errors, not silence."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, allow_inf_nan=False
    )  # the input may be a secret


def _refuse_unused(section: Section, prefix: str, *, because: str) -> None:
    """A credential that would be ignored is a connection less safe than its operator believes."""
    given = [
        name for name in type(section).model_fields if name.startswith(prefix) and getattr(section, name) is not None
    ]
    if given:
        raise ValueError(f"{', '.join(given)} would not be used, because {because}")


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


class InputSettings(Section):
    """What a message looks like."""

    format: Literal["json", "text"] = Field("json", description="`json`: an object per message; `text`: plain UTF-8.")
    text_field: str = Field("text", description="Dotted path of the text inside the object.")
    id_field: str = Field("id", description="Dotted path of the optional id inside the object.")
    max_value_bytes: int = Field(
        262_144, ge=64, description="Longer values go to the dead letters unparsed (too_large)."
    )


class OutputSettings(Section):
    """What a result contains."""

    include_text: bool = Field(True, description="False keeps the text out of results: consumers join by document_id.")
    embedding: Literal["none", "base64", "list"] = Field(
        "none", description="Adds the embedding as base64 of little-endian float16, or as a list of numbers."
    )
    timestamp: Literal["input", "now"] = Field(
        "input", description="Timestamp of results: the input message's, or the time of publishing."
    )
    max_message_bytes: int = Field(
        1_000_000,
        ge=1024,
        description="Largest result or dead letter; must not exceed the topics' max.message.bytes.",
    )


class ModelSettings(Section):
    """Which model answers, and how it is run."""

    path: str = Field(
        "default",
        description="`default` (MiniLM with the shipped spam head), a bundle or Hugging Face folder, or a hub id.",
    )
    kind: Literal["auto", "bundle", "classifier", "zero-shot"] = Field(
        "auto", description="What `path` is; auto looks inside."
    )
    revision: str | None = Field(None, description="Commit of a hub model; pin it in production.")
    labels: dict[str, tuple[str, ...]] = Field(
        default_factory=dict,
        description="Zero-shot: label -> descriptions; a text is given the label whose descriptions are nearest in the"
        " mean. One label may have none: it is given where no other is near.",
    )
    temperature: float = Field(
        0.05, gt=0, description="Zero-shot: similarities are divided by it; the lower, the surer of the nearest label."
    )
    least_similarity: float = Field(
        0.35,
        ge=-1,
        le=1,
        description="Zero-shot: the cosine below which no label is near, and the one without descriptions is given.",
    )
    normalize: bool = Field(
        True,
        description="Undo disguised spelling before the model reads a text: lookalikes of other scripts, invisible"
        " characters, styled letters, stacked marks, f r e e, fr33. Results carry the text as it came, and"
        " `obfuscated` where there was a disguise. As the model was trained: `trainer fit` has the same switch.",
    )
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="auto takes CUDA where there is one.")
    engine: Literal["auto", "torch", "onnx"] = Field(
        "auto",
        description="What runs the network: auto is the fastest that agrees with fp32, found at the first start on a"
        " CPU; on CUDA it is torch. `onnx` (ONNX Runtime) runs on CPUs only.",
    )
    precision: Literal["auto", "fp32", "bf16", "fp16", "int8"] = Field(
        "auto",
        description="Arithmetic of the encoder: auto is found with the engine on a CPU, bf16 (else fp16) on CUDA."
        " `fp16` needs CUDA, `int8` the engine onnx.",
    )
    threads: int | None = Field(None, ge=1, description="CPU threads of the forward pass; all cores if unset.")
    thresholds: dict[str, Share] | None = Field(
        None,
        description="Label -> least probability from which a text is given it, instead of those of the bundle; `{}`"
        " takes them away. At least one of exclusive labels has none: texts that reach no threshold are given it.",
    )
    max_tokens: int | None = Field(
        None, ge=8, description="Tokens of a window; the model's own window if unset. Longer texts are split."
    )
    max_windows: int = Field(
        8,
        ge=1,
        description="Most windows of a text, each a row of a device batch; what lies beyond is cut. 1 reads only the"
        " beginning.",
    )
    max_batch_tokens: int | None = Field(
        None,
        ge=16,
        description="Largest padded device batch (longest text x texts): costs memory; the engine's fastest if unset.",
    )
    cache_messages: int = Field(
        20_000,
        ge=0,
        description="Answers kept for exact repeats of a text, the latest so many: 1.7 kB each with the default model."
        " 0 keeps none.",
    )
    cache_directory: Path | None = Field(
        None,
        description="Where exported graphs and the choice of the engine are kept between starts; textsieve in the"
        " user's folder for caches if unset.",
    )

    @model_validator(mode="after")
    def _engine_computes_so(self) -> Self:
        chosen = f"model.engine {self.engine}, model.precision {self.precision}, model.device {self.device}"
        if self.precision == "int8" and self.engine == "torch":
            raise ValueError(f"{chosen}: int8 is made for ONNX Runtime; set model.engine to onnx or auto")
        if self.precision in ("bf16", "fp16") and self.engine == "onnx":
            raise ValueError(f"{chosen}: onnx computes in fp32 or int8; set model.engine to torch or auto")
        if self.precision == "fp16" and self.device == "cpu":
            raise ValueError(f"{chosen}: fp16 needs CUDA; set model.precision to bf16, fp32 or auto")
        if self.device == "cuda" and "onnx" in (self.engine, "onnx" if self.precision == "int8" else ""):
            raise ValueError(f"{chosen}: onnx and int8 run on CPUs; set model.device to cpu, or the others to auto")
        return self

    @property
    def cache_folder(self) -> Path | None:
        """The folder in force; None where the user has no home."""
        return self.cache_directory.expanduser() if self.cache_directory else _user_cache()


def _user_cache() -> Path | None:
    """The user's folder for what can be made again: XDG_CACHE_HOME, else what the platform is used to."""
    stated = os.environ.get("XDG_CACHE_HOME")
    if stated and Path(stated).is_absolute():  # the specification says to ignore others
        return Path(stated) / "textsieve"
    with suppress(RuntimeError):  # a user without a home
        caches = ("Library", "Caches") if sys.platform == "darwin" else (".cache",)
        return Path.home().joinpath(*caches, "textsieve")
    return None


class ClusterSettings(Section):
    """How texts are grouped."""

    space: str = Field(
        "default", pattern=r"^[A-Za-z0-9_.-]+$", description="Workers with the same space share centroids."
    )
    k: int = Field(64, ge=2, le=10_000, description="Number of clusters.")
    seed_messages: int | None = Field(
        None,
        ge=2,
        description="Results to gather before seeding; max(1000, 10 k, min(20 k, 10000)) if unset. Until then cluster "
        "is null.",
    )
    seed_after_seconds: float = Field(
        60.0, gt=0, description="Seed with what is there (at least k) after this long, for slow topics."
    )
    half_life_messages: float | None = Field(
        None,
        gt=0,
        description="Old texts lose half their weight after so many newer ones; unset never forgets.",
    )
    max_pending_bytes: int = Field(
        64 * 1024 * 1024,
        ge=1_048_576,
        description="Memory for results not yet learned; beyond it the worker pauses.",
    )

    @property
    def seed_size(self) -> int:
        """Rows to pool before seeding."""
        # 20 k are better than 10 k; beyond 10,000 the wait, the pool and the seeding would take too long
        return max(self.k, self.seed_messages or max(1000, 10 * self.k, min(20 * self.k, 10_000)))


class DeliverySettings(Section):
    """How much is done between two checkpoints, and how a worker ends."""

    max_batch_records: int = Field(1000, ge=1, description="Most messages of one iteration.")
    max_iteration_seconds: float = Field(
        1.0,
        gt=0,
        description="Iterations shrink to this at the measured rate: bounds latency and rebalances.",
    )
    poll_timeout_seconds: float = Field(
        0.3, gt=0, le=5, description="How long an idle worker waits for messages in one poll."
    )
    checkpoint_seconds: float = Field(
        1.0, ge=0, description="Time between learning and committing: what a crash at most repeats."
    )
    publish_session_fraction: float = Field(
        0.4,
        gt=0,
        le=0.9,
        description="Part of the session that publishing may take after the fence; then the batch is dropped.",
    )
    fencing: Literal["group", "producer"] = Field(
        "group",
        description="What keeps a worker that was paused too long from publishing: `group` asks the coordinator"
        " right before; `producer` also makes a transaction per input partition, and the broker refuses late ones.",
    )
    shutdown_seconds: float = Field(20.0, gt=0, le=86_400, description="Deadline of a graceful stop.")
    service_retry_seconds: float = Field(
        300.0,
        ge=0,
        description="How long an absent broker is waited for before the worker stops with exit 1.",
    )
    create_topics: bool = Field(True, description="Create missing output and dead-letter topics like the input topic.")


class DeadLetterSettings(Section):
    """When bad messages mean a bad deploy."""

    max_ratio: float = Field(
        0.5,
        gt=0,
        le=1,
        description="Stop when more than this share of the last `window` messages were bad; 1 never stops.",
    )
    window: int = Field(1000, ge=10, description="Messages over which the share is taken.")
    max_consecutive: int = Field(500, ge=1, description="Stop after so many bad messages in a row.")


class HttpSettings(Section):
    """Metrics and probes."""

    host: str = Field("127.0.0.1", description="Address to listen on; 0.0.0.0 in containers.")
    port: int = Field(
        9100, ge=0, le=65_535, description="Port of /metrics, /livez, /readyz, /startupz; 0 takes a free one."
    )
    stuck_after_seconds: float = Field(60.0, gt=0, description="/livez fails when the loop made no turn for so long.")


class DriftSettings(Section):
    """When the stream counts as another one than it was."""

    window_messages: int = Field(
        2000,
        ge=100,
        description="Messages of the reference window (the first after the start) and of the newest; each worker has"
        " its own two. Below 1000 chance alone shows.",
    )


class TraceSettings(Section):
    """Where spans go, if anywhere."""

    endpoint: str | None = Field(
        None,
        description="OTLP/HTTP address of an OpenTelemetry collector, such as http://127.0.0.1:4318/v1/traces: every"
        " batch becomes a span. Unset: no traces. Needs the extra `otel`.",
    )
    ratio: float = Field(1.0, gt=0, le=1, description="Share of the batches that become spans.")

    @field_validator("endpoint")
    @classmethod
    def _names_no_user(cls, endpoint: str | None) -> str | None:
        if endpoint is not None and not _TRACES_URL.fullmatch(endpoint):
            raise ValueError(
                "traces.endpoint: expected http://host:port/path or https://host:port/path, without user or password"
            )
        return endpoint


class LogSettings(Section):
    """What the worker says."""

    level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least severe line shown.")
    format: Literal["json", "console"] = Field("json", description="`json` for machines, `console` for people.")


class Settings(BaseSettings):
    """All options of a worker."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX,
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        nested_model_default_partial_update=True,
    )

    kafka: KafkaSettings = KafkaSettings()
    redis: RedisSettings = RedisSettings()
    input: InputSettings = InputSettings()
    output: OutputSettings = OutputSettings()
    model: ModelSettings = ModelSettings()
    clusters: ClusterSettings = ClusterSettings()
    delivery: DeliverySettings = DeliverySettings()
    dead_letters: DeadLetterSettings = DeadLetterSettings()
    http: HttpSettings = HttpSettings()
    drift: DriftSettings = DriftSettings()
    traces: TraceSettings = TraceSettings()
    logs: LogSettings = LogSettings()
