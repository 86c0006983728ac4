"""Every error the producer raises on purpose.

::

    ProducerError
    ├── ConfigurationError    exit 2: an option, a file or a header must change; nothing was sent
    └── BrokerUnavailable     exit 1: the broker did not answer, or refused the topic

A row or a message that is bad on its own is no error: it is reported, counted, and the rest goes on.
"""


class ProducerError(Exception):
    """Root of the tree; its message says what was expected, what it got, and what to change."""


class ConfigurationError(ProducerError):
    """An option, a file or the header of a file does not fit."""


class BrokerUnavailable(ProducerError):
    """The Kafka broker did not answer in time, or did not let us prepare the topic."""
