"""The loop of somebody who knows: confluent-kafka, ONNX Runtime, one forward for both answers, sorted batches.

Variants `fp32` and `int8` (dynamic, weights per channel). It keeps no ledger: after a crash it repeats a batch, and its
clusters count that twice.
"""

import msgspec
import numpy as np
import onnxruntime
from confluent_kafka import Consumer, Message, Producer
from numpy.typing import NDArray
from tokenizers import Tokenizer

from benchmarks.rivals.kmeans import Clusters
from benchmarks.rivals.wiring import WINDOW, Wiring, wiring

POLL = 1000  # messages: more to sort means less padding
BATCH_TOKENS = 2048  # longest x count of a forward pass
LABELS = ("ham", "spam")
WAIT_SECONDS = 0.2  # for a full poll
FLUSH_SECONDS = 60.0


class Model:
    """The encoder with pooling and head as one ONNX graph, on one thread."""

    def __init__(self, told: Wiring) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            str(told.model / f"hand-{told.variant}.onnx"), options, providers=["CPUExecutionProvider"]
        )
        self._tokenizer = Tokenizer.from_file(str(told.model / "encoder" / "tokenizer.json"))
        self._tokenizer.enable_truncation(max_length=WINDOW)
        self._tokenizer.no_padding()

    def answer(self, texts: list[str]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Probabilities [texts, labels] and embeddings [texts, dim]."""
        ids = [encoding.ids for encoding in self._tokenizer.encode_batch_fast(texts)]
        order = sorted(range(len(ids)), key=lambda row: len(ids[row]))
        parts: list[tuple[NDArray[np.float32], NDArray[np.float32]]] = []
        start = 0
        for end in range(1, len(order) + 1):
            if end == len(order) or len(ids[order[end]]) * (end - start + 1) > BATCH_TOKENS:
                parts.append(self._forward([ids[row] for row in order[start:end]]))
                start = end
        back = np.argsort(order)
        return np.concatenate([p for p, _ in parts])[back], np.concatenate([e for _, e in parts])[back]

    def _forward(self, rows: list[list[int]]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        width = max(map(len, rows))
        input_ids = np.zeros((len(rows), width), np.int64)
        mask = np.zeros((len(rows), width), np.int64)
        for row, ids in enumerate(rows):
            input_ids[row, : len(ids)] = ids
            mask[row, : len(ids)] = 1
        probabilities, embeddings = self._session.run(None, {"input_ids": input_ids, "attention_mask": mask})
        return probabilities, embeddings


def main() -> None:
    """Label the topic until SIGTERM."""
    told = wiring()
    model, clusters = Model(told), Clusters()
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
    producer = Producer(
        {
            "bootstrap.servers": told.bootstrap,
            "acks": "all",
            "enable.idempotence": True,
            "linger.ms": 5,
            "compression.type": "lz4",
        }
    )
    consumer.subscribe([told.input])
    decode, encode = msgspec.json.Decoder().decode, msgspec.json.Encoder().encode
    while True:
        messages: list[Message] = [m for m in consumer.consume(POLL, WAIT_SECONDS) if m.error() is None]
        if not messages:
            continue
        texts = [decode(message.value())["text"] for message in messages]
        probabilities, embeddings = model.answer(texts)
        ids = clusters.learn(embeddings).tolist()
        rows = probabilities.tolist()
        for message, text, row, cluster in zip(messages, texts, rows, ids, strict=True):
            best = LABELS[row.index(max(row))]
            value = encode(
                {
                    "id": f"{message.topic()}/{message.partition()}/{message.offset()}",
                    "text": text,
                    "label": best,
                    "score": max(row),
                    "scores": dict(zip(LABELS, row, strict=True)),
                    "cluster": cluster,
                }
            )
            producer.produce(told.output, value, key=message.key(), partition=message.partition())
        producer.flush(FLUSH_SECONDS)
        consumer.commit(asynchronous=False)


if __name__ == "__main__":
    main()
