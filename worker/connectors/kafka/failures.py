"""Why a connection to a broker failed: kafka-python says so in its log alone."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

from kafka.errors import KafkaTimeoutError

_LOGGER = "kafka.net"  # of the modules that connect; their errors carry the exception among the arguments


class Failures(logging.Handler):
    """Keeps the last exception that the library logged while connecting.

    Attributes:
        last: None where nothing failed.
    """

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.last: Exception | None = None

    @classmethod
    @contextmanager
    def noted(cls) -> Iterator[Self]:
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
            if isinstance(argument, Exception) and not isinstance(argument, KafkaTimeoutError):
                self.last = argument
