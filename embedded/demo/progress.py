"""What a demo has seen so far while it runs."""

from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np

from textsieve.embedded.results import Cluster, Labelled, Source, labelled, source_of
from textsieve.embedded.topics import Names
from textsieve.worker.records import Record

RECENT_RESULTS = 1000  # over which latency is shown
NEWEST_RESULTS = 3  # that a person may be shown: nobody reads a thousand a second
RATE_SECONDS = 5.0  # over which throughput is shown


@dataclass(frozen=True, slots=True)
class Example:
    """The text nearest to a centroid among those seen."""

    text: str
    distance: float


@dataclass(slots=True)
class Progress:
    """Grows with every record; each message counts once.

    Attributes:
        names: which topic is which.
        clock: monotonic seconds.
        inputs: messages in the input topic.
        answered: messages with a result or a dead letter.
        newest: the latest results; whoever shows them takes them out.
    """

    names: Names
    clock: Callable[[], float]
    inputs: set[Source] = field(default_factory=set)
    answered: set[Source | None] = field(default_factory=set)
    labels: Counter[str] = field(default_factory=Counter)
    workers: Counter[str] = field(default_factory=Counter)
    clusters: Counter[int] = field(default_factory=Counter)
    examples: dict[int, Example] = field(default_factory=dict)
    dead_letters: int = 0
    newest: deque[Labelled] = field(default_factory=lambda: deque(maxlen=NEWEST_RESULTS))
    _latencies: deque[float] = field(default_factory=lambda: deque(maxlen=RECENT_RESULTS))
    _arrivals: deque[tuple[float, int]] = field(default_factory=deque)  # when, how many

    def add(self, records: Iterable[Record]) -> None:
        """Take in records of the three topics."""
        before = len(self.answered)
        for record in records:
            if record.topic == self.names.messages:
                self.inputs.add(Source(record.topic, record.partition, record.offset))
            elif record.topic == self.names.dead_letters:
                self.dead_letters += 1
                self.answered.add(source_of(record))
            else:
                self._add_result(labelled(record))
        if grown := len(self.answered) - before:
            self._arrivals.append((self.clock(), grown))

    @property
    def labelled(self) -> int:
        """Messages with a result."""
        return self.labels.total()

    @property
    def lag(self) -> int:
        """Messages without an answer."""
        return len(self.inputs - self.answered)

    @property
    def messages_per_second(self) -> float:
        """Answers over the last seconds."""
        now = self.clock()
        while self._arrivals and now - self._arrivals[0][0] > RATE_SECONDS:
            self._arrivals.popleft()
        return sum(count for _, count in self._arrivals) / RATE_SECONDS

    def latency_seconds(self, q: float) -> float | None:
        """A quantile of the latest results' latency; None before the first result."""
        return float(np.quantile(self._latencies, q)) if self._latencies else None

    def _add_result(self, result: Labelled) -> None:
        if result.source in self.answered:
            return
        self.answered.add(result.source)
        self.newest.append(result)
        self.labels[result.label] += 1
        self.workers[result.worker] += 1
        self._latencies.append(result.latency_seconds)
        if result.cluster is not None:
            self._add_to_cluster(result.cluster, result.text)

    def _add_to_cluster(self, cluster: Cluster, text: str) -> None:
        self.clusters[cluster.id] += 1
        best = self.examples.get(cluster.id)
        if best is None or cluster.distance < best.distance:
            self.examples[cluster.id] = Example(text, cluster.distance)
