"""A stream with an incident, watched by a real Prometheus: bad messages, a shift of labels, a worker that stalls."""

import itertools
import json
import signal
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from kafka import KafkaProducer

from tests.integration.prometheus import Prometheus
from tests.integration.streams import PARTITIONS, Stream
from tests.services import Brokers
from textsieve.embedded.listening import LOOPBACK, free_port
from textsieve.embedded.topics import Names
from textsieve.worker.testing import HashingPredictor

MESSAGES_PER_SECOND = 160
CALM_SECONDS = 32  # two workers fill their two windows of drift, 1000 messages each
TROUBLE_SECONDS = 48  # the drift alert waits half a minute
STALL_SECONDS = 12
LOOKBACK_SECONDS = 5  # for so long Prometheus shows an alert that has ended
BAD_EVERY = 10  # one of so many messages of the burst
WORDS = ("offer", "meeting", "prize", "lunch", "invoice", "train", "winner", "report", "claim", "garden", "bank", "tea")


@dataclass(frozen=True, slots=True)
class Watched:
    """What was seen: ask Prometheus about the time from `start` to `end`, both Unix seconds."""

    prometheus: Prometheus
    start: float
    end: float
    calm: set[str]  # alerts that fired before the incident
    recovered: set[str]  # alerts that fired after it


@contextmanager
def watched_incident(brokers: Brokers, store: str) -> Iterator[Watched]:
    """Run it; takes about two minutes."""
    names = Names.unique("incident")
    with ExitStack() as resources:
        folder = Path(resources.enter_context(tempfile.TemporaryDirectory()))
        stream = Stream(brokers, store, names)
        resources.callback(stream.close)
        ports = {f"worker-{number}": free_port() for number in (1, 2)}
        workers = [stream.start(http__port=port, drift__window_messages=1000) for port in ports.values()]
        stream.wait_for_topics()
        targets = {name: f"{LOOPBACK}:{port}" for name, port in ports.items()}
        prometheus = resources.enter_context(Prometheus(folder, targets))
        _await(lambda: _shared(prometheus) and not prometheus.firing(), seconds=60)  # slow starts are no part of it
        time.sleep(LOOKBACK_SECONDS)
        feeder = Feeder(brokers.bootstrap_servers, names.messages)
        resources.callback(feeder.stop)

        start = time.time()
        time.sleep(CALM_SECONDS)
        calm = prometheus.firing()
        feeder.trouble()
        time.sleep(TROUBLE_SECONDS)
        feeder.calm()
        workers[1].send_signal(signal.SIGSTOP)
        time.sleep(STALL_SECONDS)
        workers[1].send_signal(signal.SIGCONT)
        _await(lambda: "TextsieveWorkerDown" not in prometheus.firing(), seconds=30)
        time.sleep(8)
        yield Watched(prometheus, start, time.time(), calm, prometheus.firing())


class Feeder:
    """Sends messages at a steady rate from a thread of its own."""

    def __init__(self, broker: str, topic: str) -> None:
        self._producer = KafkaProducer(bootstrap_servers=broker, linger_ms=5)
        self._topic = topic
        self._texts = {label: itertools.cycle(_texts(label)) for label in ("ham", "spam")}
        self._troubled = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="feeder", daemon=True)
        self._thread.start()

    def trouble(self) -> None:
        """From now on most texts are spam, and some messages are bad."""
        self._troubled.set()

    def calm(self) -> None:
        """As in the beginning."""
        self._troubled.clear()

    def stop(self) -> None:
        """End the thread and close the producer."""
        self._stopping.set()
        self._thread.join(10)
        self._producer.close(timeout=5)

    def _run(self) -> None:
        began = time.monotonic()
        for number in itertools.count():
            ahead = number / MESSAGES_PER_SECOND - (time.monotonic() - began)
            if self._stopping.wait(max(0.0, ahead)):
                return
            self._producer.send(self._topic, self._value(number), partition=number % PARTITIONS)

    def _value(self, number: int) -> bytes:
        troubled = self._troubled.is_set()
        if troubled and number % BAD_EVERY == 0:
            return (b"not json", b"{}", b"\xff")[number // BAD_EVERY % 3]
        label = "spam" if (number % 5 == 0) != troubled else "ham"
        return json.dumps({"text": next(self._texts[label])}).encode()


def _texts(label: str) -> Sequence[str]:
    """Texts of different lengths to which the hashing predictor gives this label."""
    texts = [" ".join(words) for size in (2, 3, 4) for words in itertools.permutations(WORDS, size)][::7]
    predictor = HashingPredictor()
    best = predictor.predict(texts).probabilities.argmax(axis=1)
    return [text for text, top in zip(texts, best, strict=True) if predictor.labels[top] == label]


def _shared(prometheus: Prometheus) -> bool:
    """Whether both workers own partitions."""
    found = prometheus.ask("query", query="textsieve_assigned_partitions")["result"]
    return sorted(int(series["value"][1]) for series in found) == [PARTITIONS // 2] * 2


def _await(happened, *, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.5)
