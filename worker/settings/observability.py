"""What the worker shows of itself."""

import re
from typing import Literal

from pydantic import Field, field_validator

from textsieve.worker.settings.section import Section

_TRACES_URL = re.compile(r"https?://[^/\s@]+(/\S*)?")


class HttpSettings(Section):
    """Metrics and probes."""

    host: str = Field("127.0.0.1", description="Address to listen on; 0.0.0.0 in containers.")
    port: int | None = Field(
        None,
        ge=0,
        le=65_535,
        description="Port of /metrics, /livez, /readyz, /startupz; a taken one is an error, 0 takes any free one."
        " Unset: 9100, or the next of 100 that is free, for more workers on one machine.",
    )
    stuck_after_seconds: float = Field(
        60.0, gt=0, description="/livez fails when the loop made no turn, and the model no step of one, for so long."
    )


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
    format: Literal["auto", "json", "console"] = Field(
        "auto",
        description="`json` for machines, `console` for people; `auto`: for people where stderr is a terminal.",
    )
