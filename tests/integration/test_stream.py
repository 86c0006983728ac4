"""The whole road on a real broker and a real store: texts in, results and dead letters out, clusters learned."""

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from functools import partial

import numpy as np
import pytest
from kafka import KafkaProducer
from sklearn.cluster import MiniBatchKMeans

from tests.integration.streams import PARTITIONS, Stream, sources, texts
from tests.services import BROKERS, GIVEN, KAFKA, Brokers, brokers
from textsieve.embedded.kafka.cluster import KafkaCluster
from textsieve.embedded.topics import Names
from textsieve.worker.connectors.kafka import KafkaSource, prepare_topics
from textsieve.worker.errors import LedgerError
from textsieve.worker.normalization import normalize
from textsieve.worker.settings import DeliverySettings, KafkaSettings, OutputSettings
from textsieve.worker.testing import HashingPredictor

ABSENT_STORE = "redis://127.0.0.1:1/0"  # nobody listens there

over_each_broker = pytest.mark.parametrize("stream", BROKERS, indirect=True)  # the others meet Apache Kafka


@pytest.fixture
def stream(request: pytest.FixtureRequest, store: str, names: Names) -> Iterator[Stream]:
    running = Stream(brokers(getattr(request, "param", KAFKA), request), store, names)
    yield running
    running.close()


def assert_once(results: list[object], letters: list[object], count: int) -> None:
    answered = sources(results) + sources(letters)
    assert count == len(answered)
    assert {1} == set(answered.values())


@over_each_broker
def test_a_stream_with_poison_is_labelled_exactly_once(stream: Stream) -> None:
    process = stream.start()
    stream.wait_for_topics()
    stream.send([*texts(300), b"\xff", b"[1]", b"{}", None])

    results, letters = stream.until_answered(304)
    code, _ = stream.stop(process)

    assert 0 == code
    assert_once(results, letters, 304)
    assert {"not_utf8", "not_an_object", "no_text", "null_value"} == {
        dict(m.headers)["textsieve.reason"].decode() for m in letters
    }
    for message in results:
        assert dict(message.headers)["textsieve.source"].decode().split("/")[1] == str(message.partition)
    value = json.loads(results[0].value)
    assert value["attributes"] == {"channel": "web"}
    assert 300 == stream.learned()


@over_each_broker
def test_kill_minus_nine_in_the_middle_neither_loses_nor_repeats(stream: Stream) -> None:
    kill_in_the_middle(stream)


def test_kill_minus_nine_neither_loses_nor_repeats_on_kafka_without_transactions_either(
    kafka: KafkaCluster, store: str, names: Names
) -> None:
    with closing(Stream(Brokers(kafka.bootstrap_servers, "kafka"), store, names)) as stream:
        kill_in_the_middle(stream, delivery__guarantee="at_least_once")


def kill_in_the_middle(stream: Stream, **more: object) -> None:
    slow = "--seconds-per-text=0.01"  # still at it when it is seen, however late that is
    first = stream.start(slow, model__threads=1, delivery__max_batch_records=20, **more)
    stream.wait_for_topics()
    stream.send(texts(1500))
    while not stream.read(stream.names.labels):
        time.sleep(0.05)
    first.kill()
    first.communicate()
    stream.start(**more)

    results, letters = stream.until_answered(1500)

    assert_once(results, letters, 1500)
    assert len({dict(m.headers)["textsieve.worker"] for m in results}) == 2


@over_each_broker
def test_workers_join_and_leave_without_loss_or_repetition(stream: Stream) -> None:
    first = stream.start()
    stream.wait_for_topics()
    stream.send(texts(400))
    second = stream.start()
    stream.send(texts(400, 400))
    deadline = time.monotonic() + 100
    while b"%d" % second.pid not in b"".join(
        dict(m.headers)["textsieve.worker"] for m in stream.read(stream.names.labels)
    ):
        stream.send(texts(8, 800))
        assert time.monotonic() < deadline, "the second worker never labelled anything"
    code, _ = stream.stop(first)
    stream.send(texts(200, 900))
    sent = len(stream.read(stream.names.messages))

    results, letters = stream.until_answered(sent)

    assert 0 == code
    assert_once(results, letters, sent)


def test_one_worker_learns_the_centroids_of_a_single_process_partial_fit(stream: Stream) -> None:
    stream.start(
        clusters__seed_messages=40,
        delivery__max_batch_records=40,
        delivery__checkpoint_seconds=0,
    )
    stream.wait_for_topics()
    stream.send(texts(40))
    stream.until_answered(40)
    seeded = stream.centroids()
    read = [normalize(json.loads(value)["text"]).text for value in texts(25, 40)]  # topic0 looks like a disguise
    embeddings = HashingPredictor().predict(read).embeddings
    expected = MiniBatchKMeans(n_clusters=4, init=seeded.centers.astype(np.float64), n_init=1, reassignment_ratio=0)
    expected.partial_fit(seeded.centers.astype(np.float64), sample_weight=seeded.counts)

    for row, value in enumerate(texts(25, 40)):  # one message, one micro-batch
        stream.send([value])
        stream.until_answered(41 + row)
        expected.partial_fit(embeddings[row : row + 1].astype(np.float64))

    np.testing.assert_allclose(stream.centroids().centers, expected.cluster_centers_, atol=1e-6)
    assert 65 == stream.centroids().counts.sum()


@over_each_broker
def test_a_worker_stops_cleanly_when_asked_in_the_middle(stream: Stream) -> None:
    process = stream.start(delivery__max_batch_records=20)
    stream.wait_for_topics()
    stream.send(texts(1000))
    while not stream.read(stream.names.labels):
        time.sleep(0.05)
    code, _ = stream.stop(process)
    stream.start()

    results, letters = stream.until_answered(1000)

    assert 0 == code
    assert_once(results, letters, 1000)


@over_each_broker
def test_when_all_workers_stop_at_once_their_successor_gets_the_partitions(stream: Stream) -> None:
    first = [stream.start() for _ in range(3)]
    for process in first:  # before that, a signal ends it as it ends any Python
        assert process.stderr is not None
        assert any("worker started" in line for line in process.stderr)
    stream.send(texts(200))
    stream.until_answered(200)
    for process in first:
        process.send_signal(signal.SIGTERM)
    for process in first:
        process.communicate(timeout=60)
    stream.start()
    stream.send(texts(50, 200))

    results, letters = stream.until_answered(250)

    assert [0, 0, 0] == [process.returncode for process in first]
    assert_once(results, letters, 250)


def test_several_input_topics_share_one_output(stream: Stream) -> None:
    other = stream.names.messages + "-other"
    stream.create(other, partitions=2)
    stream.start(kafka__input_topics=f"{stream.names.messages},{other}")
    stream.wait_for_topics()
    stream.send(texts(60))
    stream.send(texts(20), topic=other, partitions=2)

    results, letters = stream.until_answered(80)

    assert_once(results, letters, 80)


@over_each_broker
def test_partitions_added_while_running_are_left_alone_and_the_operator_is_told(stream: Stream) -> None:
    settings = KafkaSettings(
        bootstrap_servers=tuple(stream.broker.split(",")),
        preset=stream.preset,
        input_topics=(stream.names.messages,),
        group_id=stream.names.group,
    )
    prepare_topics(
        settings.model_copy(update={"output_topic": stream.names.labels}), OutputSettings(), DeliverySettings()
    )
    log = _Lines()
    known_at_start = PARTITIONS - 1  # as if the last partition had come later: this broker cannot add any
    source = KafkaSource(settings, known_at_start, {stream.names.messages: ""}, 100, log)  # type: ignore[arg-type]
    stream.send(texts(40))

    try:
        while not source.poll(max_records=0, timeout_seconds=0.3).joined:
            pass
        starts = source.rewind({})
        read = [record for _ in range(5) for record in source.poll(max_records=100, timeout_seconds=0.3).records]
    finally:
        source.close(timeout_seconds=3)

    assert known_at_start == len(starts)
    assert set(range(known_at_start)) == {record.partition for record in read}
    assert [[f"{stream.names.messages}/{known_at_start}"]] == log.partitions


@pytest.mark.parametrize("stream", ["given" if GIVEN else "embedded"], indirect=True)  # test_input_log.py has Kafka's
def test_an_input_topic_made_anew_while_running_is_noticed(stream: Stream) -> None:
    settings = KafkaSettings(
        bootstrap_servers=tuple(stream.broker.split(",")),
        preset=stream.preset,
        input_topics=(stream.names.messages,),
        output_topic=stream.names.labels,
        dead_letter_topic=stream.names.dead_letters,
        group_id=stream.names.group,
    )
    found = prepare_topics(settings, OutputSettings(), DeliverySettings())
    source = KafkaSource(settings, PARTITIONS, found.ids, 100, _Lines())  # type: ignore[arg-type]

    try:
        while not source.poll(max_records=0, timeout_seconds=0.3).joined:
            pass
        source.rewind({})
        stream.delete(stream.names.messages)
        stream.create(stream.names.messages, partitions=PARTITIONS)
        source._consumer._cluster.request_update()  # now, not in METADATA_AGE_MS
        with pytest.raises(LedgerError, match="another one of the same name"):
            list(iter(partial(source.poll, max_records=100, timeout_seconds=0.3), None))
    finally:
        source.close(timeout_seconds=3)


class _Lines:
    """A log that keeps the partitions its errors name."""

    def __init__(self) -> None:
        self.partitions: list[list[str]] = []

    def error(self, message: str, *, partitions: list[str]) -> None:
        assert "as many partitions as the input" in message
        self.partitions.append(partitions)


def test_the_largest_texts_have_one_defined_outcome(stream: Stream) -> None:
    stream.start(input__max_value_bytes=2_000_000, output__max_message_bytes=500_000)
    stream.wait_for_topics()
    huge = json.dumps({"text": "word " * 180_000}).encode()
    stream.send([*texts(3), huge])

    results, letters = stream.until_answered(4, learned=False)

    assert 3 == len(results)
    assert b"result_too_large" == dict(letters[0].headers)["textsieve.reason"]
    assert huge.startswith(letters[0].value)
    assert str(len(huge)).encode() == dict(letters[0].headers)["textsieve.original-bytes"]


class Bytes(str):
    """A header name that is written as it is, as clients in C do."""

    __slots__ = ()

    def encode(self, *_: object) -> bytes:
        return str.encode(self, "latin-1")


def test_a_header_name_that_is_not_utf8_holds_nothing_up(stream: Stream) -> None:
    process = stream.start()
    stream.wait_for_topics()
    producer = KafkaProducer(bootstrap_servers=stream.broker)
    headers = [(Bytes("\xff"), b"odd"), ("even", b"2")]
    producer.send(stream.names.messages, texts(1)[0], headers=headers, partition=0).get(timeout=60)
    producer.close(timeout=5)
    stream.send(texts(40, 1))

    results, letters = stream.until_answered(41)
    code, _ = stream.stop(process)

    assert 0 == code
    assert_once(results, letters, 41)
    assert [("\ufffd", b"odd"), ("even", b"2")] in [message.headers[:2] for message in results]


def refused(stream: Stream, **settings: object) -> tuple[int, str]:
    process = stream.start(**settings)
    _, errors = process.communicate(timeout=60)
    return process.returncode, errors


@over_each_broker
def test_a_missing_input_topic_is_refused_with_the_command_that_creates_it(stream: Stream) -> None:
    code, errors = refused(stream, kafka__input_topics="nowhere")

    assert 2 == code
    assert "--create" in errors
    assert "nowhere" in errors


def test_an_output_topic_with_other_partitions_is_refused_with_the_command_that_fixes_it(stream: Stream) -> None:
    stream.create(stream.names.labels, partitions=2)

    code, errors = refused(stream)

    assert 2 == code
    assert f"--alter --topic {stream.names.labels} --partitions {PARTITIONS}" in errors


def test_a_compacted_output_topic_is_refused(stream: Stream) -> None:
    stream.create(stream.names.labels, partitions=PARTITIONS, configs={"cleanup.policy": "compact"})

    code, errors = refused(stream)

    assert 2 == code
    assert "cleanup.policy" in errors


def test_an_output_topic_too_narrow_for_the_largest_answer_is_refused(stream: Stream) -> None:
    stream.create(stream.names.dead_letters, partitions=PARTITIONS, configs={"max.message.bytes": "2000"})

    code, errors = refused(stream)

    assert 2 == code
    assert f"topic {stream.names.dead_letters}: expected max.message.bytes of at least" in errors
    assert "output.max_message_bytes" in errors


def test_an_absent_broker_ends_with_exit_1_and_names_the_setting(stream: Stream) -> None:
    code, errors = refused(stream, kafka__bootstrap_servers="127.0.0.1:1")

    assert 1 == code
    assert "kafka.bootstrap_servers" in errors


def test_an_absent_store_is_named_and_texts_are_labelled_without_it(stream: Stream) -> None:
    process = stream.start(redis__url=ABSENT_STORE)
    stream.wait_for_topics()
    stream.send(texts(40))
    results, _ = stream.until_answered(40, learned=False)

    code, errors = stream.stop(process)

    assert 0 == code
    assert "redis.url" in errors
    assert {None} == {json.loads(result.value)["cluster"] for result in results}


def test_an_absent_store_ends_a_check_with_exit_1_and_names_the_setting(stream: Stream) -> None:
    plain = {
        "model__engine": "torch",
        "model__precision": "fp32",
        "model__max_batch_tokens": 2048,
    }  # nothing is tried out
    options = stream.settings(redis__url=ABSENT_STORE, **plain)

    done = stream.python(["-m", "worker", "check", *(f"--set={option}" for option in options)])

    assert 1 == done.returncode
    assert "redis.url" in done.stderr


def test_a_busy_port_is_a_configuration_fault(stream: Stream) -> None:
    port = int(stream.broker.rpartition(":")[2])

    code, errors = refused(stream, http__port=port)

    assert 2 == code
    assert "http.port" in errors


def test_a_missing_model_is_a_configuration_fault(stream: Stream) -> None:
    command = ["-m", "worker", "check", *(f"--set={option}" for option in stream.settings(model__path="/nowhere"))]

    done = stream.python(command)

    assert 2 == done.returncode
    assert "/nowhere" in done.stderr


def test_a_check_is_one_line_that_says_what_runs_the_model(stream: Stream) -> None:
    model = {"model__engine": "torch", "model__precision": "fp32", "model__max_batch_tokens": 512}
    command = ["-m", "worker", "check", "--json", *(f"--set={option}" for option in stream.settings(**model))]

    done = stream.python(command)

    assert 0 == done.returncode, done.stderr
    (line,) = done.stdout.splitlines()
    assert ("torch", "fp32") == tuple(json.loads(line)["engine"][name] for name in ("engine", "precision"))


def test_another_model_in_the_same_space_is_refused(stream: Stream) -> None:
    process = stream.start()
    stream.wait_for_topics()
    stream.send(texts(60))
    stream.until_answered(60)
    stream.stop(process)
    stream.redis.hset(stream.key, "model", "another")

    code, errors = refused(stream)

    assert 2 == code
    assert "clusters.space" in errors


def test_a_second_signal_ends_at_once(stream: Stream) -> None:
    process = stream.start()
    stream.wait_for_topics()
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGTERM)

    process.communicate(timeout=60)

    assert process.returncode in (0, 1)
    assert isinstance(process, subprocess.Popen)
