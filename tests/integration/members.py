"""A stream for one test and members of its consumer group in this process, on Apache Kafka."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from types import MappingProxyType

import structlog
from kafka import KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient, NewTopic

from textsieve.embedded.kafka.cluster import KafkaCluster
from textsieve.embedded.topics import Names
from textsieve.worker.connectors.kafka import KafkaSource, prepare_topics
from textsieve.worker.connectors.kafka.topics.preparation import Topics
from textsieve.worker.errors import BrokerUnavailable
from textsieve.worker.records import Partition, Record
from textsieve.worker.settings import DeliverySettings, KafkaSettings, OutputSettings

PATIENCE_SECONDS = 60.0
NOTHING: Mapping[str, str] = MappingProxyType({})


class Members:
    """An input topic of one partition, with what is asked of it by members and by strangers.

    Args:
        replicas: broker ids of the partition's replicas, the preferred leader first; any if empty.
        configs: of the input topic.
    """

    def __init__(
        self, cluster: KafkaCluster, names: Names, *, replicas: Sequence[int] = (), configs: Mapping[str, str] = NOTHING
    ) -> None:
        self.servers, self.names, self._replicas, self._configs = cluster.bootstrap_servers, names, replicas, configs
        self.partition, self.log = Partition(names.messages, 0), TopicPartition(names.messages, 0)
        self.now_ms = time.time_ns() // 1_000_000  # brokers soon delete what claims to be old
        self._resources = ExitStack()
        self.create()

    def create(self) -> None:
        """Make the input topic, for the first time or anew."""
        shape = {"replica_assignments": {0: list(self._replicas)}} if self._replicas else {"replication_factor": -1}
        partitions = {} if self._replicas else {"num_partitions": 1}
        with self.admin() as admin:
            admin.create_topics(
                [NewTopic(self.names.messages, topic_configs=dict(self._configs), **partitions, **shape)]
            )
            admin.wait_for_topics([self.names.messages])

    @contextmanager
    def admin(self) -> Iterator[KafkaAdminClient]:
        admin = KafkaAdminClient(bootstrap_servers=self.servers)
        try:
            yield admin
        finally:
            admin.close()

    @contextmanager
    def producer(self, **options: object) -> Iterator[KafkaProducer]:
        producer = KafkaProducer(bootstrap_servers=self.servers, **options)
        try:
            yield producer
        finally:
            producer.close(timeout=5)

    def send(self, *values: bytes, **options: object) -> None:
        with self.producer(**options) as producer:
            for sent in [producer.send(self.names.messages, value, partition=0) for value in values]:
                sent.get(timeout=PATIENCE_SECONDS)

    def settings(self, **options: object) -> KafkaSettings:
        return KafkaSettings(
            **{
                "bootstrap_servers": tuple(self.servers.split(",")),
                "preset": "kafka",
                "session_timeout_ms": 6000,
                "input_topics": (self.names.messages,),
                "output_topic": self.names.labels,
                "dead_letter_topic": self.names.dead_letters,
                "group_id": self.names.group,
                **options,
            }
        )

    def topics(self, settings: KafkaSettings) -> Topics:
        return prepare_topics(settings, OutputSettings(), DeliverySettings())

    def member(self, **options: object) -> KafkaSource:
        """A member of the group that has a place."""
        settings = self.settings(**options)
        topics = self.topics(settings)
        member = KafkaSource(settings, topics.partitions, topics.ids, 1000, structlog.stdlib.get_logger("test"))
        self._resources.callback(member.close, timeout_seconds=2.0)
        until_reassigned(member)
        return member

    def start(self, member: KafkaSource) -> int:
        """Begin, as the loop does, where nothing is known but what the group has committed.

        A place in the group may come before the client knows the new topic, or who leads its partition.
        """
        while (start := member.rewind({}).get(self.partition)) is None:
            until_reassigned(member)
        return start.offset

    def close(self) -> None:
        self._resources.close()


def until(look: Callable[[], object], what: str) -> None:
    """Wait until it is so."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not look():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def until_reassigned(member: KafkaSource) -> None:
    """Poll until the member is told to begin anew, with a place in the group."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        polled = member.poll(max_records=100, timeout_seconds=0.2)
        if polled.reassigned and polled.joined:
            return
        assert time.monotonic() < deadline, polled


def read(member: KafkaSource, *, count: int, seconds: float = PATIENCE_SECONDS) -> list[Record]:
    """So many records, or as many as come in time; the member begins anew whenever it is told to, as the loop does."""
    records: dict[int, Record] = {}
    deadline = time.monotonic() + seconds
    while len(records) < count and time.monotonic() < deadline:
        with suppress(BrokerUnavailable):
            polled = member.poll(max_records=100, timeout_seconds=0.2)
            if polled.reassigned and polled.joined:
                member.rewind({})
            records |= {record.offset: record for record in polled.records}
    return list(records.values())


def go_on(member: KafkaSource) -> None:
    """Poll and begin anew whenever told to, as the loop does, until that ends in an error."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        with suppress(BrokerUnavailable):
            polled = member.poll(max_records=100, timeout_seconds=0.2)
            if polled.reassigned and polled.joined:
                member.rewind({})


def values(records: Sequence[Record]) -> list[bytes | None]:
    return [record.value for record in records]
