"""A worker without a model, as a process: answers every message by the wire contract, and can be told to misbehave.

`--set fake.fault=` lose (one message), repeat (one result), forget (learns nothing), crash (before the first
answer), stuck (refuses to end).
"""

import json
import signal
import sys
import threading
import time
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import pairwise

import numpy as np
import redis
from kafka import KafkaConsumer, KafkaProducer

POLL_MS = 100


def main() -> int:
    words = sys.argv[1:]
    settings = dict(word.split("=", 1) for flag, word in pairwise(words) if flag == "--set")
    fault = settings.get("fake.fault")
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: fault == "stuck" or stopping.set())
    consumer = KafkaConsumer(
        settings["kafka.input_topics"],
        bootstrap_servers=settings["kafka.bootstrap_servers"],
        group_id=settings["kafka.group_id"],
        auto_offset_reset="earliest",
        session_timeout_ms=6000,
        heartbeat_interval_ms=1500,
    )
    producer = KafkaProducer(bootstrap_servers=settings["kafka.bootstrap_servers"])
    store = redis.Redis.from_url(settings["redis.url"])
    answer = partial(_answer, settings, fault, producer, store)
    _serve(int(settings["http.port"]), consumer)
    while not stopping.is_set():
        for batch in consumer.poll(timeout_ms=POLL_MS).values():
            for record in batch:
                if fault == "crash":
                    return 3
                answer(record)
        producer.flush()
    consumer.close()
    producer.close()
    return 0


def _answer(settings, fault, producer, store, record) -> None:
    source = f"{record.topic}/{record.partition}/{record.offset}"
    headers = [("textsieve.source", source.encode()), ("textsieve.worker", settings["http.port"].encode())]
    is_special = (record.partition, record.offset) == (0, 0)
    try:
        document = json.loads(record.value)
        text = document.pop("text")
        assert text.strip()
    except (TypeError, ValueError, KeyError, AttributeError, AssertionError):
        headers.append(("textsieve.reason", b"not_json"))
        producer.send(settings["kafka.dead_letter_topic"], record.value, record.key, headers=headers)
        return
    if is_special and fault == "lose":
        return
    cluster = len(text) % 3
    result = {
        "id": source,
        "label": "spam" if "http" in text.lower() else "ham",
        "score": 0.9,
        "text": text,
        "cluster": {"id": cluster, "distance": 0.5, "version": 1},
        "attributes": document,
        "source": {"timestamp_ms": record.timestamp},
        "processed_ms": time.time_ns() // 1_000_000,
    }
    for _ in range(2 if is_special and fault == "repeat" else 1):
        producer.send(
            settings["kafka.output_topic"], json.dumps(result).encode(), partition=record.partition, headers=headers
        )
    if fault != "forget":
        key = f"textsieve:{{{settings['clusters.space']}}}:centroids"
        store.hset(key, mapping={"version": 1, "counts": np.ones(3).tobytes()})
        store.hincrby(key, "learned", 1)


def _serve(port: int, consumer: KafkaConsumer) -> None:
    class Probes(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            assigned = len(consumer.assignment())
            self.send_response(200 if assigned else 503)
            self.end_headers()
            self.wfile.write(f"textsieve_assigned_partitions {assigned}.0\n".encode())

        def log_message(self, *_: object) -> None:
            """Keep the log for what matters."""

    threading.Thread(target=HTTPServer(("127.0.0.1", port), Probes).serve_forever, daemon=True).start()


if __name__ == "__main__":
    sys.exit(main())
