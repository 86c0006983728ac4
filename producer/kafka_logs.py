"""Keeps kafka-python quiet: a lost broker makes it log dozens of lines that say one thing."""

import logging


class LastLogLine(logging.Handler):
    """Remembers the newest reason the client logged, to be quoted once in an error of ours."""

    def __init__(self) -> None:
        super().__init__(level=logging.WARNING)
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Replace the remembered line, unless the new one only repeats that there is no connection."""
        line = record.getMessage()
        if "Bootstrap failed" not in line and "not ready" not in line:
            self.text = line


def quiet_kafka_logs() -> LastLogLine:
    """Route all logs of kafka-python into the returned handler, and nowhere else."""
    last_line = LastLogLine()
    logger = logging.getLogger("kafka")
    logger.handlers = [last_line]
    logger.propagate = False
    logger.setLevel(logging.WARNING)  # whatever somebody else in this process made of it
    return last_line
