"""The competent script with kafka-python: poll, two models, k-means, produce, await, commit.

Variant `batch`: polls of 500, batches of 32. Variant `single`: the same, every message by itself.
"""

import json

from kafka import KafkaProducer

from benchmarks.speed.rivals.functions import Functions
from benchmarks.speed.rivals.kafka_python import commit, consumer
from benchmarks.speed.rivals.options import POLL, parse_options

FLUSH_SECONDS = 60.0


def main() -> None:
    """Label the topic until SIGTERM."""
    told = parse_options()
    functions = Functions(told)
    reader = consumer(told, poll=POLL)
    producer = KafkaProducer(bootstrap_servers=told.bootstrap, acks="all", enable_idempotence=True)
    while True:
        batches = reader.poll(timeout_ms=500)
        messages = [message for batch in batches.values() for message in batch]
        if not messages:
            continue
        texts = [json.loads(message.value)["text"] for message in messages]
        if told.variant == "single":
            for message, text in zip(messages, texts, strict=True):
                [value] = functions.label([text], batch=1)
                producer.send(told.output, value, key=message.key, partition=message.partition)
        else:
            for message, value in zip(messages, functions.label(texts), strict=True):
                producer.send(told.output, value, key=message.key, partition=message.partition)
        producer.flush(timeout=FLUSH_SECONDS)
        commit(reader, batches)


if __name__ == "__main__":
    main()
