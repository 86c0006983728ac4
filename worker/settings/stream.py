"""How messages are read, answered and grouped."""

import warnings
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field, TypeAdapter, model_validator

from textsieve.worker.settings.section import Section


class InputSettings(Section):
    """What a message looks like."""

    format: Literal["json", "text"] = Field("json", description="`json`: an object per message; `text`: plain UTF-8.")
    text_field: str = Field(
        "text", description="Name of the field with the text, or a dotted path; a field of just that name goes first."
    )
    id_field: str = Field("id", description="The same for the optional id: a string or a number.")
    max_value_bytes: int = Field(
        262_144, ge=64, description="Longer values go to the dead letters unparsed (too_large)."
    )
    tombstones: Literal["dead_letter", "skip"] = Field(
        "dead_letter",
        description="What becomes of messages without a value (null), as compacted topics have them: a dead letter, or"
        " none (`skip`: counted, no answer).",
    )


class OutputSettings(Section):
    """What a result contains."""

    text: Literal["original", "redacted", "none"] = Field(
        "original",
        description="The text in results: as it came, without what `redact` takes out of it and of the attributes, or"
        " not at all: consumers join by document_id.",
    )
    embedding: Literal["none", "base64", "list"] = Field(
        "none", description="Adds the embedding as base64 of little-endian float16, or as a list of numbers."
    )
    timestamp: Literal["input", "now"] = Field(
        "input",
        description="Timestamp of answers: the input message's, where the topic takes it and keeps it for at least half"
        " of its retention, else the present; or always the present.",
    )
    max_message_bytes: int = Field(
        1_000_000,
        ge=1024,
        description="Largest result or dead letter; must not exceed the topics' max.message.bytes.",
    )

    @model_validator(mode="before")
    @classmethod
    def _with_include_text(cls, given: Any) -> Any:
        """Takes the name that `text` had before for one version, with a warning."""
        if not isinstance(given, Mapping) or "include_text" not in given:
            return given
        if given.get("text", "original") != "original":  # the default is always among what is given
            raise ValueError("output.include_text: expected nothing beside output.text, its new name; remove it")
        shown = "original" if TypeAdapter(bool).validate_python(given["include_text"]) else "none"
        warnings.warn(f"output.include_text is now output.text: set output.text={shown}", FutureWarning, stacklevel=2)
        return {**{name: value for name, value in given.items() if name != "include_text"}, "text": shown}


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
    seed_idle_seconds: float = Field(
        10.0,
        gt=0,
        description="Seed with what is there (at least 100 texts, or k where that is less) once nothing came for so"
        " long, for short topics. Raise it where the first hundred texts come long before the rest.",
    )
    half_life_messages: float | None = Field(
        None,
        gt=0,
        description="Old texts lose half their weight after so many newer ones; unset never forgets.",
    )
    max_pending_bytes: int = Field(
        64 * 1024 * 1024,
        ge=1_048_576,
        description="Memory for results not yet learned while the store is away, and for those that are read again when"
        " it knows less than it did; beyond it the oldest are never counted in the clusters.",
    )

    @property
    def seed_size(self) -> int:
        """Rows to pool before seeding."""
        # 20 k are better than 10 k; beyond 10,000 the wait, the pool and the seeding would take too long
        return max(self.k, self.seed_messages or max(1000, 10 * self.k, min(20 * self.k, 10_000)))


class CampaignSettings(Section):
    """Near-duplicates in the stream."""

    enabled: bool = Field(
        False,  # pydantic takes the default first
        description="Results say which campaign of near-duplicates a message belongs to. Costs 54 MB a worker, and more"
        " rights in the store (docs/security.md).",
    )


class DeliverySettings(Section):
    """How much is done between two checkpoints, and how a worker ends."""

    # how long an idle worker waits in one poll: a message ends the wait, and a stop must not be heard much later
    poll_timeout_seconds: ClassVar[float] = 0.3
    # part of the session that publishing a batch may take: the fence before it and a heartbeat need the rest
    publish_session_fraction: ClassVar[float] = 0.4

    max_batch_records: int = Field(1000, ge=1, description="Most messages of one iteration.")
    max_iteration_seconds: float = Field(
        1.0,
        gt=0,
        description="An iteration answers what takes so long by the measured cost of a token, and leaves the rest to"
        " the next: bounds latency and rebalances.",
    )
    checkpoint_seconds: float = Field(
        1.0, ge=0, description="Time between learning and committing: what a crash at most repeats."
    )
    guarantee: Literal["exactly_once", "at_least_once"] | None = Field(
        None,
        description="`exactly_once`: results, dead letters and the input offsets of a batch are one transaction;"
        " `at_least_once`: the output is read back, so that nothing is answered twice but for a batch of a worker that"
        " was stopped at the worst place. Unset: exactly_once with preset `kafka`, at_least_once with `embedded`.",
    )
    shutdown_seconds: float = Field(
        25.0,
        gt=0,
        le=86_400,
        description="Deadline of a graceful stop; a batch on its way may take two fifths of a session.",
    )
    service_retry_seconds: float = Field(
        300.0,
        ge=0,
        description="How long an absent broker is waited for before the worker stops with exit 1.",
    )
    create_topics: bool = Field(True, description="Create missing output and dead-letter topics like the input topic.")


class DeadLetterSettings(Section):
    """When bad messages mean a bad deploy."""

    window: ClassVar[int] = 1000  # messages over which the share is taken: fewer would let a short burst stop a worker

    max_ratio: float = Field(
        0.5,
        gt=0,
        le=1,
        description="Stop when more than this share of the last 1000 messages were bad; 1 never stops.",
    )
    max_consecutive: int = Field(500, ge=1, description="Stop after so many bad messages in a row.")
    value: Literal["original", "redacted", "hash"] = Field(
        "original",
        description="The value of dead letters: as it came, without what `redact` takes out of it (its SHA-256 where it"
        " is no text), or its SHA-256 alone. What is not the original cannot be sent to the input again.",
    )
