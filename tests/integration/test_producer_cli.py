"""The producer's command line against a real broker."""

import json
import subprocess
import sys
import uuid
from collections import Counter
from itertools import islice

import pytest
from kafka import KafkaConsumer, TopicPartition

from tests.services import Brokers

pytestmark = pytest.mark.integration

PATIENCE_MS = 60_000


@pytest.fixture
def broker(each_broker: Brokers) -> str:
    return each_broker.bootstrap_servers


@pytest.fixture
def topic():
    return f"producer-{uuid.uuid4().hex[:12]}"


def produce(*arguments, broker, topic):
    command = [sys.executable, "-m", "producer", *map(str, arguments), "--bootstrap-servers", broker, "--topic", topic]
    return subprocess.run([*command, "--json"], capture_output=True, text=True, timeout=60, check=False)


def consume(broker, topic, *, count):
    consumer = KafkaConsumer(bootstrap_servers=broker, auto_offset_reset="earliest", consumer_timeout_ms=PATIENCE_MS)
    try:
        consumer.assign([TopicPartition(topic, index) for index in consumer.partitions_for_topic(topic)])
        return list(islice(consumer, count))
    finally:
        consumer.close()


def test_a_file_arrives_as_it_was_written(broker, topic, tmp_path):
    (tmp_path / "texts.csv").write_text('id,text,user\n1,"hello, you",ann\n2,"two\nlines",bob\n', encoding="utf-8")

    result = produce(tmp_path / "texts.csv", "--key-column", "user", broker=broker, topic=topic)
    records = consume(broker, topic, count=2)

    assert result.returncode == 0, result.stderr
    assert {record.key: json.loads(record.value) for record in records} == {
        b"ann": {"id": "1", "text": "hello, you", "user": "ann"},
        b"bob": {"id": "2", "text": "two\nlines", "user": "bob"},
    }


def test_a_short_scenario_reaches_every_partition_evenly(broker, topic):
    options = ("--scenario", "--limit", 40, "--malformed-share", 0, "--partitions", 4)

    result = produce(*options, broker=broker, topic=topic)
    records = consume(broker, topic, count=40)

    assert json.loads(result.stdout)["acked"] == 40
    assert Counter(record.partition for record in records) == {0: 10, 1: 10, 2: 10, 3: 10}


def test_a_message_that_is_too_large_is_told_and_the_rest_arrives(broker, topic, tmp_path):
    (tmp_path / "texts.txt").write_text(f"small\n{'x' * 5_000}\nlast\n", encoding="utf-8")

    result = produce(tmp_path / "texts.txt", "--max-message-bytes", 2_000, broker=broker, topic=topic)
    records = consume(broker, topic, count=2)

    assert result.returncode == 1
    assert "texts.txt:2" in result.stderr
    assert sorted(json.loads(record.value)["text"] for record in records) == ["last", "small"]


def test_an_absent_broker_is_told_with_what_to_change(topic):
    result = produce("--scenario", broker="127.0.0.1:1", topic=topic)

    assert result.returncode == 1
    assert "set --bootstrap-servers" in result.stderr
    assert len(result.stderr.splitlines()) < 5
