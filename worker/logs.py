"""Structured logs: lifecycle at INFO, one WARNING per change of state, never a text or a secret."""

import logging
import sys
import time
from dataclasses import dataclass, field
from typing import Literal

import structlog

QUIET_SECONDS = 30.0  # a library repeats itself at most this often: a dead broker is worth one line, not seventy


@dataclass
class _Quieted(logging.Filter):
    """Lets the same message of a library through once in QUIET_SECONDS."""

    name: str = ""  # logging.Filter's own: every logger passes
    seen: dict[tuple[str, int], float] = field(default_factory=dict)

    def __hash__(self) -> int:
        return id(self)

    def filter(self, record: logging.LogRecord) -> bool:
        key, now = (record.name, record.lineno), time.monotonic()
        if now - self.seen.get(key, -QUIET_SECONDS) < QUIET_SECONDS:
            return False
        self.seen[key] = now  # bounded by the number of log statements in the libraries
        return True


def configure(*, level: str, style: Literal["auto", "json", "console"]) -> None:
    """Send our lines and the libraries' warnings to stderr.

    Args:
        level: least severe level of our own lines.
        style: one JSON object per line, or text for people; `auto`: text where stderr is a terminal.
    """
    on_terminal = sys.stderr.isatty()
    if style == "auto":
        style = "console" if on_terminal else "json"
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer() if style == "json" else structlog.dev.ConsoleRenderer(colors=on_terminal)
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.processors.format_exc_info,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logging.raiseExceptions = False  # a full disk under the log must not stop the stream
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("textsieve").setLevel(level.upper())
    quieted = logging.StreamHandler(sys.stderr)
    quieted.setFormatter(handler.formatter)
    quieted.addFilter(_Quieted())
    for name in ("kafka", "redis", "transformers"):
        library = logging.getLogger(name)
        library.handlers, library.propagate = [quieted], False
        library.setLevel(logging.ERROR)


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """A logger below `textsieve`; bind what every line should carry."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(f"textsieve.{name}")
    return logger
