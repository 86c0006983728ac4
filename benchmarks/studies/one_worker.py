"""The worker of a benchmark: where it connects, what it is sent, what its own metrics say."""

import sys
import urllib.request
from collections.abc import Iterable

from kafka import KafkaProducer

from textsieve.embedded.services import Services
from textsieve.embedded.topics import Names

NULL = (sys.executable, "-m", "benchmarks.speed.null", "none")  # a worker whose model costs nothing
ACK_SECONDS = 60.0
MIB = 1024 * 1024


def settings(stack: Services, names: Names, *, port: int) -> list[str]:
    """`section.option=value` for a worker of its own on this broker and store."""
    return [
        f"kafka.bootstrap_servers={stack.bootstrap_servers}",
        "kafka.preset=embedded",
        f"kafka.input_topics={names.messages}",
        f"kafka.output_topic={names.labels}",
        f"kafka.dead_letter_topic={names.dead_letters}",
        f"kafka.group_id={names.group}",
        f"redis.url={stack.redis_url}",
        f"clusters.space={names.space}",
        f"http.port={port}",
    ]


def feeder(stack: Services) -> KafkaProducer:
    """A producer that fills a topic fast."""
    return KafkaProducer(
        bootstrap_servers=stack.bootstrap_servers, linger_ms=20, compression_type="lz4", enable_idempotence=True
    )


def send(producer: KafkaProducer, topic: str, values: Iterable[bytes], *, partitions: int) -> None:
    """Send the values to the partitions in turns and await every ack."""
    futures = [producer.send(topic, value, partition=number % partitions) for number, value in enumerate(values)]
    for future in futures:
        future.get(timeout=ACK_SECONDS)


def message(number: int) -> bytes:
    """A text that no other message has."""
    words = " ".join(f"word{(number * step) % 9973}" for step in (1, 7, 31, 101, 307, 1009))
    return b'{"id": "m%d", "text": "%s and number %d"}' % (number, words.encode(), number)


def metrics_page(port: int) -> str:
    """The worker's metrics as Prometheus reads them; empty while it starts."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as response:
            return str(response.read().decode())
    except OSError:
        return ""


def answered(port: int) -> dict[str, int]:
    """Results and dead letters so far, by the worker's own metrics."""
    lines = metrics_page(port).splitlines()
    rows = (line.rsplit(" ", 1) for line in lines if line.startswith("textsieve_processed_messages_total"))
    return {name: int(float(value)) for name, value in rows if '"ok"' in name or '"dead_letter"' in name}
