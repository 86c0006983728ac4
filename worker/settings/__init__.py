"""Every option of a worker, typed, once."""

from collections.abc import Mapping
from typing import Any, Self, cast

from pydantic import model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from textsieve.worker.settings.constants import without_constants
from textsieve.worker.settings.kafka import KafkaSettings, Risk
from textsieve.worker.settings.model import ModelSettings
from textsieve.worker.settings.observability import DriftSettings, HttpSettings, LogSettings, TraceSettings
from textsieve.worker.settings.redaction import RedactSettings
from textsieve.worker.settings.redis import RedisSettings
from textsieve.worker.settings.section import Section
from textsieve.worker.settings.stream import (
    CampaignSettings,
    ClusterSettings,
    DeadLetterSettings,
    DeliverySettings,
    InputSettings,
    OutputSettings,
)

ENV_PREFIX = "TEXTSIEVE_"

__all__ = [
    "ENV_PREFIX",
    "CampaignSettings",
    "ClusterSettings",
    "DeadLetterSettings",
    "DeliverySettings",
    "DriftSettings",
    "HttpSettings",
    "InputSettings",
    "KafkaSettings",
    "LogSettings",
    "ModelSettings",
    "OutputSettings",
    "RedactSettings",
    "RedisSettings",
    "Risk",
    "Section",
    "Settings",
    "TraceSettings",
    "is_transactional",
]


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
    campaigns: CampaignSettings = CampaignSettings()
    delivery: DeliverySettings = DeliverySettings()
    dead_letters: DeadLetterSettings = DeadLetterSettings()
    redact: RedactSettings = RedactSettings()
    http: HttpSettings = HttpSettings()
    drift: DriftSettings = DriftSettings()
    traces: TraceSettings = TraceSettings()
    logs: LogSettings = LogSettings()

    @property
    def is_transactional(self) -> bool:
        """Whether the guarantee in force is exactly_once."""
        return is_transactional(self.kafka, self.delivery)

    @model_validator(mode="before")
    @classmethod
    def _without_constants(cls, given: Any) -> Any:
        if not isinstance(given, Mapping):
            return given
        sections = {name: cast("type[Section]", field.annotation) for name, field in cls.model_fields.items()}
        return without_constants(given, sections)

    @model_validator(mode="after")
    def _transactions_are_safe(self) -> Self:
        if self.delivery.guarantee == "exactly_once" and self.kafka.preset == "embedded":
            raise ValueError(
                "delivery.guarantee: expected at_least_once with kafka.preset embedded, got exactly_once: the embedded"
                " broker shows aborted messages to everybody. Unset it, or use Apache Kafka with kafka.preset kafka"
            )
        return self

    @model_validator(mode="after")
    def _alarms_have_a_topic(self) -> Self:
        others = (*self.kafka.input_topics, self.kafka.output_topic, self.kafka.dead_letter_topic)
        if self.campaigns.enabled and self.kafka.alarm_topic in others:
            raise ValueError(
                f"kafka.alarm_topic: expected a topic for alarms alone, got {self.kafka.alarm_topic}, which is for"
                " messages, results or dead letters; choose another name"
            )
        return self


def is_transactional(kafka: KafkaSettings, delivery: DeliverySettings) -> bool:
    """Whether the guarantee in force is exactly_once: the one that is set, or that of the preset."""
    usual = "at_least_once" if kafka.preset == "embedded" else "exactly_once"
    return (delivery.guarantee or usual) == "exactly_once"
