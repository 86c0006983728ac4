"""The clusters that tests run on: what they promise, and that nothing of them outlives its owner."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, KafkaAdminClient, NewTopic
from kafka.errors import KafkaTimeoutError

from benchmarks.chaos.proxy import LineFault, Mode, Proxy
from textsieve.embedded.kafka.cluster import KafkaCluster
from textsieve.embedded.topics import Names

PATIENCE_SECONDS = 60
REPOSITORY = Path(__file__).parents[2]
OWNER = """
import pathlib, sys, time
from textsieve.embedded.kafka.cluster import KafkaCluster
with KafkaCluster(directory=pathlib.Path(sys.argv[1])) as cluster:
    print(cluster.pid(1), flush=True)
    time.sleep(600)
"""


def create(cluster: KafkaCluster, topic: str) -> None:
    admin = KafkaAdminClient(bootstrap_servers=cluster.bootstrap_servers)
    admin.create_topics([NewTopic(topic, num_partitions=1, replication_factor=-1)])
    admin.wait_for_topics([topic])
    admin.close()


def write(servers: str, topic: str, *values: bytes) -> None:
    producer = KafkaProducer(bootstrap_servers=servers, acks="all", retries=100)
    for future in [producer.send(topic, value) for value in values]:
        future.get(timeout=PATIENCE_SECONDS)
    producer.close(timeout=5)


def read(servers: str, topic: str, *, count: int) -> list[bytes]:
    consumer = KafkaConsumer(bootstrap_servers=servers, group_id=None)
    consumer.assign([TopicPartition(topic, 0)])
    consumer.seek_to_beginning()
    found: list[bytes] = []
    deadline = time.monotonic() + PATIENCE_SECONDS
    while len(found) < count:
        assert time.monotonic() < deadline, found
        for batch in consumer.poll(timeout_ms=200).values():
            found.extend(record.value for record in batch)
    consumer.close()
    return found


def until_gone(process: int) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while Path(f"/proc/{process}").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_one_node_keeps_what_was_written(kafka, names: Names):
    create(kafka, names.messages)

    write(kafka.bootstrap_servers, names.messages, b"one", b"two")

    assert [b"one", b"two"] == read(kafka.bootstrap_servers, names.messages, count=2)


def test_three_nodes_replicate_three_times_and_need_two(kafka3, names: Names):
    create(kafka3, names.messages)

    admin = KafkaAdminClient(bootstrap_servers=kafka3.bootstrap_servers)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (partitions := admin.describe_topics([names.messages])[0]["partitions"]):  # of a broker that knows it yet
        assert time.monotonic() < deadline
    described = admin.describe_configs([ConfigResource("TOPIC", names.messages)], config_filter="all")
    admin.close()

    assert [{1, 2, 3}] == [set(partition["replica_nodes"]) for partition in partitions]
    assert "2" == described["topic"][names.messages]["min.insync.replicas"]["value"]


def test_what_was_written_survives_a_node_that_is_killed_and_one_that_ends_in_order(kafka3, names: Names):
    create(kafka3, names.messages)

    kafka3.kill(1)
    write(kafka3.bootstrap_servers, names.messages, b"without 1")
    kafka3.start(1)
    kafka3.terminate(2)
    write(kafka3.bootstrap_servers, names.messages, b"without 2")

    assert [True, False, True] == [kafka3.alive(node) for node in kafka3.numbers]
    assert [b"without 1", b"without 2"] == read(kafka3.bootstrap_servers, names.messages, count=2)


def test_a_cluster_that_lost_its_majority_serves_again_when_it_has_one(kafka3, names: Names):
    create(kafka3, names.messages)
    write(kafka3.bootstrap_servers, names.messages, b"before")

    kafka3.kill(1)
    kafka3.kill(2)
    kafka3.stop(3)
    kafka3.cont(3)
    kafka3.start(1, 2)

    write(kafka3.bootstrap_servers, names.messages, b"after")
    assert [b"before", b"after"] == read(kafka3.bootstrap_servers, names.messages, count=2)


def test_clients_come_through_the_proxy_that_is_advertised(names: Names):
    with Proxy() as line, KafkaCluster(advertised={1: line.port}) as cluster:
        line.upstream = cluster.address(1)
        assert f"127.0.0.1:{line.port}" == cluster.bootstrap_servers
        create(cluster, names.messages)
        write("{}:{}".format(*cluster.address(1)), names.messages, b"one")  # bootstrap past it: sent back to it

        line.break_line(LineFault(Mode.CUT, frozenset({os.getpid()})))
        producer = KafkaProducer(bootstrap_servers="{}:{}".format(*cluster.address(1)), max_block_ms=1000)
        with pytest.raises(KafkaTimeoutError):
            producer.send(names.messages, b"not written")
        producer.close(timeout=0)
        line.mend()

        write(cluster.bootstrap_servers, names.messages, b"two")
        assert [b"one", b"two"] == read(cluster.bootstrap_servers, names.messages, count=2)


def test_a_cluster_does_not_outlive_its_owner_however_it_ends(tmp_path: Path):
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, tmp_path],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert owner.stdout is not None
    broker = int(owner.stdout.readline())
    owner.send_signal(signal.SIGKILL)
    owner.communicate(timeout=PATIENCE_SECONDS)

    until_gone(broker)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_prints_the_settings_and_ends_when_asked(number: signal.Signals):
    command = subprocess.Popen(
        [sys.executable, "-m", "embedded", "kafka", "--json"],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert command.stdout is not None
    settings = json.loads(command.stdout.readline())
    assert command.stderr is not None
    command.stderr.readline()
    (broker,) = re.findall(r"process (\d+)", command.stderr.readline())
    admin = KafkaAdminClient(bootstrap_servers=settings["TEXTSIEVE_KAFKA__BOOTSTRAP_SERVERS"])
    admin.close()

    command.send_signal(number)
    command.communicate(timeout=PATIENCE_SECONDS)

    assert ("kafka", 0) == (settings["TEXTSIEVE_KAFKA__PRESET"], command.returncode)
    until_gone(int(broker))
