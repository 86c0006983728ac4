"""Why a connection to a broker failed: kafka-python says so in its log alone."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Self

from kafka import errors

from textsieve.worker.errors import ConfigurationError

REFUSED: Final = (
    errors.AuthorizationError,
    errors.SaslAuthenticationFailedError,
    errors.UnsupportedSaslMechanismError,
)
_LOGGER = "kafka.net"  # of the modules that connect; their errors carry the exception among the arguments


class ConnectionErrors(logging.Handler):
    """Keeps the most telling exception that the library logged while connecting, of several the last.

    A refusal says more than a server that is away, and that more than a time that was up: the library's last attempt
    often begins milliseconds before the end of its patience, and times out whatever is the matter.

    Attributes:
        last: None where nothing failed.
    """

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.last: Exception | None = None

    @classmethod
    @contextmanager
    def captured(cls) -> Iterator[Self]:
        """Listen for the length of the block."""
        failures = cls()
        logger = logging.getLogger(_LOGGER)
        before = logger.level
        logger.addHandler(failures)
        logger.setLevel(logging.ERROR)  # whatever somebody else in this process made of it
        try:
            yield failures
        finally:
            logger.setLevel(before)
            logger.removeHandler(failures)

    def emit(self, record: logging.LogRecord) -> None:
        """See logging.Handler."""
        arguments = record.args if isinstance(record.args, tuple) else ()
        for argument in arguments:  # a timeout is what the caller gets already: it says nothing new
            if isinstance(argument, Exception) and not isinstance(argument, errors.KafkaTimeoutError):
                self._note(argument)

    def _note(self, failure: Exception) -> None:
        if self.last is None or _telling(failure) >= _telling(self.last):
            self.last = failure


def _telling(failure: Exception) -> int:
    """How much it says about what is the matter."""
    if isinstance(failure, (*REFUSED, ConfigurationError)):
        return 2
    return 0 if "timed out" in str(failure) else 1
