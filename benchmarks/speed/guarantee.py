"""What exactly_once costs beside at_least_once, on Apache Kafka of three brokers."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from secrets import token_hex
from statistics import median

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.structs import OffsetAndMetadata

from benchmarks.speed.testbed import PARTITIONS, TestBed
from textsieve.embedded.kafka.cluster import KafkaCluster

NODES = 3
WAYS = ("at_least_once", "exactly_once")
TRANSACTIONS = 40  # measured alone
RECORDS = 64  # of each
RETRY_MS = 5  # as a worker's producer
GATHER_MS = 5.0  # of the feeder: one request for every message is more than three brokers on one core can take
WARM_SECONDS = 15.0  # of the schedule, sent and not counted: the brokers still compile what they run


@dataclass(frozen=True, slots=True)
class Services:
    """A cluster in place of the testbed's broker, and the testbed's store."""

    bootstrap_servers: str
    redis_url: str


@contextmanager
def on_three_brokers(testbed: TestBed) -> Iterator[TestBed]:
    """The same testbed over a cluster; its brokers share the core of everything that is not measured."""
    with KafkaCluster(NODES) as cluster:
        services = Services(cluster.bootstrap_servers, testbed.stack.redis_url)
        yield replace(testbed, stack=services, preset="kafka", replication=NODES)


def settings(way: str) -> tuple[str, ...]:
    """Of a worker with one of the guarantees."""
    return (f"delivery.guarantee={way}",)


def commit_milliseconds(testbed: TestBed) -> float:
    """Median time of a transaction of RECORDS results and the offsets behind them, with nothing beside it."""
    topic, group = testbed.topic("alone"), f"group-{token_hex(4)}"
    consumer = KafkaConsumer(
        bootstrap_servers=testbed.stack.bootstrap_servers, group_id=group, enable_auto_commit=False
    )
    consumer.subscribe([topic])
    while not consumer.assignment():
        consumer.poll(timeout_ms=200)
    producer = KafkaProducer(
        bootstrap_servers=testbed.stack.bootstrap_servers,
        transactional_id=group,
        retry_backoff_ms=RETRY_MS,
        linger_ms=RETRY_MS,
    )
    producer.init_transactions()
    took = []
    for number in range(TRANSACTIONS):
        began = time.perf_counter()
        producer.begin_transaction()
        for row in range(RECORDS):
            producer.send(topic, b"x" * 300, partition=row % PARTITIONS)
        offsets = {TopicPartition(topic, part): OffsetAndMetadata(number, "", -1) for part in range(PARTITIONS)}
        producer.send_offsets_to_transaction(offsets, consumer.group_metadata())
        producer.commit_transaction()
        took.append(1000 * (time.perf_counter() - began))
        consumer.poll(timeout_ms=0)
    producer.close(timeout=5)
    consumer.close(autocommit=False)
    testbed.drop(topic)
    return round(median(took[TRANSACTIONS // 4 :]), 1)  # the first ones still warm up
