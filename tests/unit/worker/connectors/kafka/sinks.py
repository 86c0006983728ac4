"""A sink that connects to nothing: its producers are put there by the tests."""

from worker.connectors.kafka.sink import KafkaSink
from worker.settings import KafkaSettings, OutputSettings


def bare_sink(**changes) -> KafkaSink:
    """As the composition root would build it for one worker."""
    usual = {
        "kafka": KafkaSettings(),
        "output": OutputSettings(),
        "worker": "host-1",
        "version": "1",
        "topic_ids": {},
        "generation": lambda: 7,
        "publish_seconds": 3.0,
        "batch": 10,
    }
    return KafkaSink(**{**usual, **changes})
