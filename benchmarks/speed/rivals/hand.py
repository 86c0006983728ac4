"""The loop of somebody who knows: one forward for both answers, and nothing on the way that could be quicker.

confluent-kafka, polls of 1,000, the tokenizers library without padding, batches sorted by length and cut at 256 tokens
so that activations stay in the cache, a session of one thread in one thread for each core, orjson; the results of a
poll are produced while the next one runs. Variants `fp32` and `int8` (dynamic, weights per channel). It keeps no
ledger: after a crash it repeats a poll, and its clusters count that twice.
"""

import os
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any

import numpy as np
import onnxruntime
import orjson
from confluent_kafka import Consumer, Message, Producer, TopicPartition
from numpy.typing import NDArray
from tokenizers import Tokenizer

from benchmarks.speed.rivals.kmeans import Clusters
from benchmarks.speed.rivals.options import WINDOW, RivalOptions, parse_options

POLL = 1000  # messages: more to sort means less padding
BATCH_TOKENS = 256  # longest x count of a forward pass
LABELS = ("ham", "spam")
WAIT_SECONDS = 0.2  # for a full poll
FLUSH_SECONDS = 60.0

Answers = tuple[NDArray[np.float32], NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Asked:
    """A poll whose passes run."""

    messages: Sequence[Message]
    texts: Sequence[str]
    order: Sequence[int]  # of texts in the batches, one after the other
    parts: Sequence[Future[Answers]]


class Model:
    """The encoder with pooling and head as one ONNX graph: as many sessions of one thread as there are cores."""

    def __init__(self, told: RivalOptions) -> None:
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        self._sessions: SimpleQueue[onnxruntime.InferenceSession] = SimpleQueue()
        for _ in range(cores):
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = options.inter_op_num_threads = 1
            path = str(told.model / f"hand-{told.variant}.onnx")
            self._sessions.put(onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"]))
        self._pool = ThreadPoolExecutor(cores)
        self._tokenizer = Tokenizer.from_file(str(told.model / "encoder" / "tokenizer.json"))
        self._tokenizer.enable_truncation(max_length=WINDOW)
        self._tokenizer.no_padding()

    def ask(self, messages: Sequence[Message]) -> Asked:
        """Tokenise, and let the passes run."""
        texts = [orjson.loads(message.value())["text"] for message in messages]
        ids = [encoding.ids for encoding in self._tokenizer.encode_batch_fast(texts)]
        order = sorted(range(len(ids)), key=lambda row: len(ids[row]))
        parts: list[Future[Answers]] = []
        start = 0
        for end in range(1, len(order) + 1):
            if end == len(order) or len(ids[order[end]]) * (end - start + 1) > BATCH_TOKENS:
                parts.append(self._pool.submit(self._forward, [ids[row] for row in order[start:end]]))
                start = end
        return Asked(messages, texts, order, parts)

    def _forward(self, rows: list[list[int]]) -> Answers:
        width = max(map(len, rows))
        input_ids = np.zeros((len(rows), width), np.int64)
        mask = np.zeros((len(rows), width), np.int64)
        for row, ids in enumerate(rows):
            input_ids[row, : len(ids)] = ids
            mask[row, : len(ids)] = 1
        session = self._sessions.get()
        probabilities, embeddings = session.run(None, {"input_ids": input_ids, "attention_mask": mask})
        self._sessions.put(session)
        return probabilities, embeddings


class Output:
    """Labels, clusters, results, and the offsets behind them."""

    def __init__(self, told: RivalOptions, consumer: Consumer) -> None:
        self._topic = told.output
        self._consumer = consumer
        self._clusters = Clusters()
        self._producer = Producer(
            {
                "bootstrap.servers": told.bootstrap,
                "acks": "all",
                "enable.idempotence": True,
                "linger.ms": 5,
                "compression.type": "lz4",
            }
        )

    def write(self, asked: Asked, answers: Sequence[Answers]) -> None:
        """Every result is acked before its offset is committed."""
        back = np.argsort(asked.order)
        probabilities, embeddings = (np.concatenate(part)[back] for part in zip(*answers, strict=True))
        ids = self._clusters.learn(embeddings).tolist()
        for message, text, row, cluster in zip(asked.messages, asked.texts, probabilities.tolist(), ids, strict=True):
            self._producer.produce(
                self._topic, _result(message, text, row, cluster), key=message.key(), partition=message.partition()
            )
        self._producer.flush(FLUSH_SECONDS)
        ends = {(message.topic(), message.partition()): message.offset() + 1 for message in asked.messages}
        offsets = [TopicPartition(topic, partition, end) for (topic, partition), end in ends.items()]
        self._consumer.commit(offsets=offsets, asynchronous=False)


def _result(message: Message, text: str, row: list[float], cluster: int) -> bytes:
    best = max(row)
    told: dict[str, Any] = {
        "id": f"{message.topic()}/{message.partition()}/{message.offset()}",
        "text": text,
        "label": LABELS[row.index(best)],
        "score": best,
        "scores": dict(zip(LABELS, row, strict=True)),
        "cluster": cluster,
    }
    return orjson.dumps(told)


def main() -> None:
    """Label the topic until SIGTERM."""
    told = parse_options()
    consumer = Consumer(
        {
            "bootstrap.servers": told.bootstrap,
            "group.id": told.group,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "session.timeout.ms": 6_000,
            "heartbeat.interval.ms": 1_500,
        }
    )
    model, output = Model(told), Output(told, consumer)
    consumer.subscribe([told.input])
    last: Asked | None = None
    answers: list[Answers] = []
    while True:
        messages = [message for message in consumer.consume(POLL, WAIT_SECONDS) if message.error() is None]
        asked = model.ask(messages) if messages else None
        if last is not None:
            output.write(last, answers)
        answers = [part.result() for part in asked.parts] if asked is not None else []
        last = asked


if __name__ == "__main__":
    main()
