"""The plain hand loop with kafka-python: poll, read JSON, perhaps tokenise, write JSON, send, await, commit.

No model, ledger, fence, dead letters, clusters or metrics: the road that messages travel at least.
"""

import json

from kafka import KafkaProducer
from transformers import AutoTokenizer

from benchmarks.speed.rivals.kafka_python import commit, consumer
from benchmarks.speed.rivals.options import WINDOW, parse_options

BATCH = 1000  # messages, as the worker's delivery.max_batch_records
ACK_SECONDS = 30.0


def main() -> None:
    """Answer every message with a constant label."""
    told = parse_options()
    tokenizer = AutoTokenizer.from_pretrained(told.model / "encoder") if told.variant == "tokenise" else None
    reader = consumer(told, poll=BATCH)
    producer = KafkaProducer(
        bootstrap_servers=told.bootstrap,
        acks="all",
        enable_idempotence=True,
        compression_type="lz4",
        linger_ms=5,
        batch_size=512 * 1024,
    )
    while True:
        batches = reader.poll(timeout_ms=300)
        messages = [message for batch in batches.values() for message in batch]
        if not messages:
            continue
        bodies = [json.loads(message.value) for message in messages]
        if tokenizer is not None:
            tokenizer([body["text"] for body in bodies], truncation=True, max_length=WINDOW)
        for message, body in zip(messages, bodies, strict=True):
            producer.send(told.output, _answer(message, body), key=message.key, partition=message.partition)
        producer.flush(timeout=ACK_SECONDS)
        commit(reader, batches)


def _answer(message: object, body: dict[str, str]) -> bytes:
    return json.dumps(
        {
            "id": f"{message.topic}/{message.partition}/{message.offset}",
            "text": body["text"],
            "label": "ham",
            "score": 1.0,
            "scores": {"ham": 1.0, "spam": 0.0},
            "cluster": {"id": 0, "distance": 0.5},
        }
    ).encode()


if __name__ == "__main__":
    main()
