import logging

import pytest

from textsieve.producer.kafka_logs import quiet_kafka_logs


@pytest.fixture
def kafka_logger():
    logger = logging.getLogger("kafka")
    handlers, propagate, level = logger.handlers, logger.propagate, logger.level
    logger.setLevel(logging.CRITICAL)  # as the demo does, in a process that it shares with the producer
    yield logger
    logger.setLevel(level)
    logger.handlers, logger.propagate = handlers, propagate


def test_kafka_says_nothing_but_its_last_reason_is_remembered(kafka_logger, capsys):
    last_line = quiet_kafka_logs()

    kafka_logger.error("connection refused")
    kafka_logger.error("Bootstrap failed: no connection")

    assert last_line.text == "connection refused"
    assert capsys.readouterr() == ("", "")
