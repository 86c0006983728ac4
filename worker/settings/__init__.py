"""Every option of a worker, typed, once."""

from pydantic_settings import BaseSettings, SettingsConfigDict

from worker.settings.model import ModelSettings
from worker.settings.section import Section
from worker.settings.services import KafkaSettings, RedisSettings, Risk
from worker.settings.stream import (
    ClusterSettings,
    DeadLetterSettings,
    DeliverySettings,
    InputSettings,
    OutputSettings,
)
from worker.settings.watching import DriftSettings, HttpSettings, LogSettings, TraceSettings

ENV_PREFIX = "TEXTSIEVE_"

__all__ = [
    "ENV_PREFIX",
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
    "RedisSettings",
    "Risk",
    "Section",
    "Settings",
    "TraceSettings",
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
    delivery: DeliverySettings = DeliverySettings()
    dead_letters: DeadLetterSettings = DeadLetterSettings()
    http: HttpSettings = HttpSettings()
    drift: DriftSettings = DriftSettings()
    traces: TraceSettings = TraceSettings()
    logs: LogSettings = LogSettings()
