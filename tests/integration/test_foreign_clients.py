"""Clients that we did not write, on Apache Kafka: they write what we read, and read what we write."""

import json
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import confluent_kafka
import pytest

from tests.integration.streams import PARTITIONS, Stream
from tests.services import Brokers
from textsieve.embedded.kafka.cluster import KafkaCluster
from textsieve.embedded.kafka.tools import tool_command
from textsieve.embedded.topics import Names
from textsieve.worker.connectors.kafka import ProducerFactory
from textsieve.worker.settings import KafkaSettings, OutputSettings

CODECS = ("none", "gzip", "snappy", "lz4", "zstd")
PATIENCE_SECONDS = 60
SILENCE_MS = 5000  # after which a console consumer has seen everything


@pytest.fixture
def stream(kafka: KafkaCluster, store: str, names: Names) -> Iterator[Stream]:
    running = Stream(Brokers(kafka.bootstrap_servers, "kafka"), store, names)
    yield running
    running.close()


@pytest.fixture
def working(stream: Stream) -> Stream:
    """A stream whose worker is ready."""
    stream.start()
    stream.wait_for_topics()
    return stream


def run_tool(kafka: KafkaCluster, tool: str, *arguments: str, say: str = "") -> str:
    command = tool_command(
        tool,
        "--bootstrap-server",
        kafka.bootstrap_servers,
        *arguments,
        classpath=kafka.classpath,
        version=kafka.version,
    )
    done = subprocess.run(command, input=say, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False)
    assert 0 == done.returncode, done.stderr
    return done.stdout


def properties(**values: str) -> list[str]:
    return [word for name, value in values.items() for word in ("--property", f"{name.replace('_', '.')}={value}")]


def confluent_producer(stream: Stream, **options: object) -> confluent_kafka.Producer:
    return confluent_kafka.Producer({"bootstrap.servers": stream.broker, **options})


def read_with_confluent(stream: Stream, topic: str, *, count: int) -> list[Any]:
    """All that is committed."""
    consumer = confluent_kafka.Consumer(
        {
            "bootstrap.servers": stream.broker,
            "group.id": f"{stream.names.group}-reader",
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
        }
    )
    consumer.assign(
        [
            confluent_kafka.TopicPartition(topic, number, confluent_kafka.OFFSET_BEGINNING)
            for number in range(PARTITIONS)
        ]
    )
    found: list[Any] = []
    deadline = time.monotonic() + PATIENCE_SECONDS
    while len(found) < count:
        assert time.monotonic() < deadline, found
        found += [message for message in consumer.consume(100, 0.2) if not message.error()]
    consumer.close()
    return found


def test_what_the_console_producer_writes_is_answered_with_its_key_and_headers(
    working: Stream, kafka: KafkaCluster
) -> None:
    lines = ['trace:7,tenant:blue\tk1\t{"text": "hello"}', 'NULL\tNULL\t{"text": "world"}', "NULL\tk3\tNULL"]
    reader = properties(parse_key="true", parse_headers="true", null_marker="NULL")
    topic = ("--topic", working.names.messages)

    run_tool(kafka, "kafka-console-producer", *topic, *reader, say="".join(f"{line}\n" for line in lines))

    results, letters = working.until_answered(3, learned=False)
    answers = {message.key: message for message in results}
    assert {b"k1", None} == set(answers)
    assert [("trace", b"7"), ("tenant", b"blue")] == [h for h in answers[b"k1"].headers if h[0] in {"trace", "tenant"}]
    assert [(b"k3", b"null_value")] == [(m.key, dict(m.headers)["textsieve.reason"]) for m in letters]


def test_the_console_consumer_reads_our_results(working: Stream, kafka: KafkaCluster) -> None:
    working.send([b'{"text": "hello"}', b'{"text": "world"}'])
    working.until_answered(2, learned=False)

    shown = run_tool(
        kafka,
        "kafka-console-consumer",
        *("--topic", working.names.labels, "--from-beginning"),
        *("--isolation-level", "read_committed", "--timeout-ms", str(SILENCE_MS)),
        *properties(print_headers="true", print_key="true"),
    )

    lines = [line.split("\t") for line in shown.splitlines() if "\t" in line]  # newer ones say first what is deprecated
    assert {"k0", "k1"} == {key for _, key, _ in lines}
    assert {"hello", "world"} == {json.loads(value)["text"] for _, _, value in lines}
    sources = {f"textsieve.source:{working.names.messages}/{number}/0" for number in range(2)}
    assert sources == {header for headers, _, _ in lines for header in headers.split(",") if "source:" in header}


def test_the_consumer_groups_tool_sees_a_group_without_lag(working: Stream, kafka: KafkaCluster) -> None:
    working.send([b'{"text": "hello"}'] * 8)
    working.until_answered(8)

    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        shown = run_tool(kafka, "kafka-consumer-groups", "--describe", "--group", working.names.group)
        rows = [line.split() for line in shown.splitlines() if working.names.messages in line]
        if {(str(number), "2", "2", "0") for number in range(PARTITIONS)} == {tuple(row[2:6]) for row in rows}:
            return
        assert time.monotonic() < deadline, shown


def test_what_confluents_client_writes_is_answered_in_every_codec(working: Stream) -> None:
    for codec in CODECS:
        producer = confluent_producer(working, **{"compression.type": codec, "linger.ms": 50})
        for number in range(4):
            text = json.dumps({"text": f"{codec} {number} " + "word " * 200, "codec": codec})
            producer.produce(
                working.names.messages, text, key=codec if number else None, headers=[("n", b"\x00\xff"), ("n", None)]
            )
        assert 0 == producer.flush(PATIENCE_SECONDS)

    results, letters = working.until_answered(20, learned=False)

    assert [] == letters
    assert set(CODECS) == {json.loads(message.value)["attributes"]["codec"] for message in results}
    assert {None, *(codec.encode() for codec in CODECS)} == {message.key for message in results}
    assert {(("n", b"\x00\xff"), ("n", b""))} == {  # a null header is passed on as an empty one
        tuple(header for header in message.headers if header[0] == "n") for message in results
    }


def test_what_a_transaction_took_back_is_never_answered(working: Stream) -> None:
    producer = confluent_producer(working, **{"transactional.id": working.names.group})
    producer.init_transactions(PATIENCE_SECONDS)
    for text, ends in (("kept", producer.commit_transaction), ("gone", producer.abort_transaction)) * 3:
        producer.begin_transaction()
        for number in range(5):
            producer.produce(working.names.messages, json.dumps({"text": f"{text} {number}"}))
        producer.flush(PATIENCE_SECONDS)  # it reached the log, whatever becomes of it
        ends(PATIENCE_SECONDS)
    working.send([b'{"text": "last"}'] * PARTITIONS)

    results, letters = working.until_answered(15 + PARTITIONS)

    assert [] == letters
    assert {"kept": 15, "last": PARTITIONS} == {
        word: sum(json.loads(message.value)["text"].startswith(word) for message in results)
        for word in ("kept", "last")
    }


def test_confluents_client_reads_what_our_producers_write_in_every_codec(stream: Stream) -> None:
    stream.create(stream.names.labels, partitions=PARTITIONS)
    for number, codec in enumerate(CODECS):
        settings = KafkaSettings(bootstrap_servers=(stream.broker,), compression=codec)
        producer = ProducerFactory(settings, OutputSettings(), PATIENCE_SECONDS).open(
            transactional_id=f"{stream.names.group}-{codec}"
        )
        producer.init_transactions()
        for ends in (producer.abort_transaction, producer.commit_transaction):
            producer.begin_transaction()
            producer.send(
                stream.names.labels, b"word " * 200, key=codec.encode(), headers=[("n", b"\xff")], partition=number % 2
            ).get(timeout=PATIENCE_SECONDS)
            ends()
        producer.close(timeout=5)

    found = read_with_confluent(stream, stream.names.labels, count=len(CODECS))

    assert sorted(codec.encode() for codec in CODECS) == sorted(message.key() for message in found)
    assert {(b"word " * 200, (("n", b"\xff"),))} == {(message.value(), tuple(message.headers())) for message in found}


def test_confluents_client_reads_our_results_and_dead_letters(working: Stream) -> None:
    working.send([b'{"text": "hello"}', b"\xff", None])
    working.until_answered(3, learned=False)

    (result,) = read_with_confluent(working, working.names.labels, count=1)
    letters = read_with_confluent(working, working.names.dead_letters, count=2)

    assert ("hello", b"k0") == (json.loads(result.value())["text"], result.key())
    assert f"{working.names.messages}/0/0".encode() == dict(result.headers())["textsieve.source"]
    assert {b"not_utf8": b"\xff", b"null_value": None} == {
        dict(letter.headers())["textsieve.reason"]: letter.value() for letter in letters
    }
