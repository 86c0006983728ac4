"""A campaign that begins in a running stream has one id and an alarm on its topic, though a worker dies."""

import json
import time

import numpy as np
from kafka import KafkaProducer

from tests.integration.streams import DEADLINE_SECONDS, PARTITIONS, Stream
from textsieve.worker.campaigns.bursts import BUCKET_MS, HALF_LIFE_BUCKETS
from textsieve.worker.campaigns.counts import bucket_counts, table
from textsieve.worker.connectors.redis import RedisCounterStore

ORDINARY = 2 * (HALF_LIFE_BUCKETS + 30)
COPIES = 16


def send(stream: Stream, texts: list[tuple[int, str]]) -> None:
    producer = KafkaProducer(**stream.connection)
    for index, (time_ms, text) in enumerate(texts):
        value = json.dumps({"text": text}).encode()
        producer.send(
            stream.names.messages, value, key=b"k%d" % index, partition=index % PARTITIONS, timestamp_ms=time_ms
        )
    producer.flush()
    producer.close(timeout=5)


def alarms(stream: Stream, topic: str) -> list[dict[str, object]]:
    """Wait for the first alarm."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while True:
        if found := [json.loads(message.value) for message in stream.read(topic)]:
            return found
        assert time.monotonic() < deadline, stream.stop(stream.processes[-1])[1]
        time.sleep(0.5)


def test_a_campaign_that_begins_is_told_and_counted_exactly_though_a_worker_is_killed(stream: Stream) -> None:
    rng = np.random.default_rng(3)
    topic = f"{stream.names.labels}-alarms"
    options = {"campaigns__enabled": "true", "kafka__alarm_topic": topic}
    stream.create(topic, partitions=1)  # or it is made with the first alarm
    first = stream.start(**options)
    stream.wait_for_topics()
    newest = int(time.time() * 1000) // BUCKET_MS - 2
    past = newest - ORDINARY // 2
    ordinary = [
        ((past + number // 2) * BUCKET_MS, "".join(rng.choice(list("abcdefghij klmnop"), 60)))
        for number in range(ORDINARY)
    ]
    send(stream, ordinary)
    stream.until_answered(ORDINARY)
    first.kill()
    first.wait()
    stream.start(**options)
    send(stream, [(newest * BUCKET_MS, f"your parcel {n} waits, ask jo@example.org") for n in range(COPIES)])
    results, _ = stream.until_answered(ORDINARY + COPIES)

    (alarm, *_) = alarms(stream, topic)

    found = [json.loads(result.value) for result in results]
    campaigns = [result["campaign"]["id"] for result in found if "parcel" in result["text"] and result["campaign"]]
    assert {alarm["campaign"]} == set(campaigns)
    assert COPIES - 4 <= len(campaigns)
    assert "open" == alarm["state"]
    assert all("[email]" in sample for sample in alarm["samples"])
    counters = RedisCounterStore(stream.redis, stream.names.space)
    counted = [bucket_counts(counters.read(table(bucket).name)) for bucket in range(past, newest + 1)]
    assert ORDINARY + COPIES == sum(bucket.messages for bucket in counted)
    assert len(campaigns) == sum(bucket.campaigns.get(campaigns[0], 0) for bucket in counted)


def test_a_check_warns_of_a_topic_of_alarms_that_is_missing_and_may_not_be_made(stream: Stream) -> None:
    topic = f"{stream.names.labels}-alarms"
    options = {"campaigns__enabled": "true", "kafka__alarm_topic": topic}
    checks = []
    for create in ("true", "false"):  # the first check makes the topics of answers
        settings = stream.settings(**options, delivery__create_topics=create)
        done = stream.python(["-m", "worker", "check", "--json", *(f"--set={option}" for option in settings)])
        assert 0 == done.returncode, done.stderr
        checks.append([warning for warning in json.loads(done.stdout)["warnings"] if "alarm_topic" in warning])

    assert [0, 1] == list(map(len, checks))
    assert f"kafka.alarm_topic {topic}" in checks[1][0]
