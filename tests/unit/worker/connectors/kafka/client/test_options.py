"""What the clients of a worker are opened with: each option, changed, would lose or repeat messages in silence."""

from types import SimpleNamespace

import pytest
import structlog
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from kafka.coordinator.assignors.range import RangePartitionAssignor
from kafka.protocol.consumer.offsets import IsolationLevel

from textsieve.worker.connectors.kafka.client.options import METADATA_AGE_MS, REQUEST_TIMEOUT_MS
from textsieve.worker.connectors.kafka.consumer import group_consumer
from textsieve.worker.connectors.kafka.consumer.source import KafkaSource
from textsieve.worker.connectors.kafka.producer import published_offsets, sending
from textsieve.worker.connectors.kafka.producer.published_offsets import PublishedOffsetsReader
from textsieve.worker.connectors.kafka.producer.sending import BATCH_BYTES, LINGER_MS, ProducerFactory
from textsieve.worker.settings import KafkaSettings, OutputSettings


class Opened:
    """Stands in for a client's class: keeps what it was opened with."""

    def __init__(self, **options) -> None:
        self.options = options
        self.subscribed: list[str] = []
        self._coordinator = SimpleNamespace(_isolation_level=None)

    def subscribe(self, topics) -> None:
        self.subscribed = topics


@pytest.fixture(autouse=True)
def _nothing_connects(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "KafkaProducer", Opened)
    monkeypatch.setattr(group_consumer, "KafkaConsumer", Opened)
    monkeypatch.setattr(published_offsets, "KafkaConsumer", Opened)


def opened_producer(*, compression: str = "lz4", linger_ms: int = LINGER_MS, **options) -> dict[str, object]:
    settings = KafkaSettings(compression=compression, bootstrap_servers=("host:1",))
    factory = ProducerFactory(settings, OutputSettings(max_message_bytes=5_000_000), publish_seconds=3.0)
    return factory.open(linger_ms=linger_ms, **options).options


def opened_source(*, commits: bool = True, **settings) -> KafkaSource:
    kafka = KafkaSettings(**{"bootstrap_servers": ("host:1",), "input_topics": ("in", "more")} | settings)
    log = structlog.stdlib.get_logger("test")
    return KafkaSource(kafka, partitions=4, topic_ids={}, max_records=64, log=log, commits=commits)


def opened_readers(preset: str) -> tuple[dict[str, object], dict[str, object]]:
    reader = PublishedOffsetsReader(KafkaSettings(preset=preset, bootstrap_servers=("host:1",)), "labels", batch=10)
    reader._connect()
    return reader._reader.options, reader._ends.options


def test_every_replica_in_sync_has_an_answer_before_it_counts_as_sent_and_a_repeated_send_is_one() -> None:
    options = opened_producer()

    assert ("all", True) == (options["acks"], options["enable_idempotence"])


def test_no_send_outlives_the_time_that_the_worker_gives_it() -> None:
    options = opened_producer(linger_ms=50)

    assert (3_000, 3_000, 2_949) == (
        options["max_block_ms"],
        options["delivery_timeout_ms"],
        options["request_timeout_ms"],
    )


def test_the_rest_of_what_a_producer_is_opened_with() -> None:
    options = opened_producer(linger_ms=5, transactional_id="w-1")

    rest = ("bootstrap_servers", "linger_ms", "batch_size", "max_request_size", "metadata_max_age_ms")
    assert [["host:1"], 5, BATCH_BYTES, 10_000_000, METADATA_AGE_MS] == [options[name] for name in rest]
    assert ("w-1", False) == (options["transactional_id"], options["metrics_enabled"])
    assert LINGER_MS == ProducerFactory(KafkaSettings(), OutputSettings(), 3.0).open().options["linger_ms"]


@pytest.mark.parametrize(("compression", "codec"), [("none", None), ("zstd", "zstd")])
def test_the_codec_is_the_one_that_was_asked_for(compression: str, codec: str | None) -> None:
    assert codec == opened_producer(compression=compression)["compression_type"]


@pytest.mark.parametrize("preset", ["kafka", "embedded"])
def test_the_input_starts_where_we_say_and_is_committed_when_we_say(preset: str) -> None:
    options = opened_source(preset=preset)._consumer.options

    assert ("none", False) == (options["auto_offset_reset"], options["enable_auto_commit"])


@pytest.mark.parametrize(
    ("settings", "isolation"),
    [
        ({"preset": "kafka"}, "read_committed"),
        ({"preset": "embedded"}, "read_uncommitted"),
        ({"preset": "kafka", "isolation_level": "read_uncommitted"}, "read_uncommitted"),
    ],
)
def test_what_a_transaction_aborted_is_no_input(settings, isolation: str) -> None:
    assert isolation == opened_source(**settings)._consumer.options["isolation_level"]


@pytest.mark.parametrize("isolation", ["read_committed", "read_uncommitted"])
def test_offsets_that_an_open_transaction_may_still_move_are_waited_for(isolation: str) -> None:
    consumer = opened_source(commits=False, preset="kafka", isolation_level=isolation)._consumer

    assert IsolationLevel.READ_COMMITTED == consumer._coordinator._isolation_level


def test_where_the_source_commits_the_library_keeps_its_own_ways() -> None:
    assert opened_source(commits=True)._consumer._coordinator._isolation_level is None


@pytest.mark.parametrize(
    ("preset", "assignor", "fetch_wait_ms"),
    [("kafka", CooperativeStickyAssignor, 200), ("embedded", RangePartitionAssignor, 20)],
)
def test_the_group_shares_as_the_broker_can(preset: str, assignor: type, fetch_wait_ms: int) -> None:
    made = opened_source(preset=preset, group_id="g", group_instance_id="i", fetch_max_bytes=1_000_000)
    options = made._consumer.options

    assert ["in", "more"] == made._consumer.subscribed
    assert ("g", "i", [assignor]) == (
        options["group_id"],
        options["group_instance_id"],
        options["partition_assignment_strategy"],
    )
    assert (fetch_wait_ms, 1_000_000, 1_000_000, 64) == (
        options["fetch_max_wait_ms"],
        options["fetch_max_bytes"],
        options["max_partition_fetch_bytes"],
        options["max_poll_records"],
    )
    assert (False, False, METADATA_AGE_MS) == (
        options["allow_auto_create_topics"],
        options["metrics_enabled"],
        options["metadata_max_age_ms"],
    )


@pytest.mark.parametrize(("session_ms", "request_ms"), [(6_000, 6_000), (45_000, REQUEST_TIMEOUT_MS)])
def test_no_answer_of_the_group_is_waited_for_beyond_the_session(session_ms: int, request_ms: int) -> None:
    options = opened_source(preset="kafka", session_timeout_ms=session_ms)._consumer.options

    assert request_ms == options["request_timeout_ms"]


@pytest.mark.parametrize(
    ("preset", "session_ms", "heartbeat_ms"),
    [("kafka", 45_000, 3_000), ("kafka", 8_000, 2_000), ("embedded", 20_000, 5_000)],
)
def test_a_member_gives_several_signs_of_life_within_a_session(preset: str, session_ms: int, heartbeat_ms: int) -> None:
    options = opened_source(preset=preset, session_timeout_ms=session_ms)._consumer.options

    assert (session_ms, heartbeat_ms) == (options["session_timeout_ms"], options["heartbeat_interval_ms"])


def test_a_partition_gets_no_more_memory_than_the_librarys_usual_two_mebibytes() -> None:
    options = opened_source(fetch_max_bytes=50_000_000)._consumer.options

    assert 2 * 1024 * 1024 == options["max_partition_fetch_bytes"]


def test_what_was_aborted_is_no_answer_and_the_end_is_asked_for_whatever_is_open() -> None:
    reader, ends = opened_readers("kafka")

    assert ("read_committed", "read_uncommitted") == (reader["isolation_level"], ends["isolation_level"])


def test_the_embedded_broker_shows_what_was_aborted_to_everybody() -> None:
    reader, _ = opened_readers("embedded")

    assert "read_uncommitted" == reader["isolation_level"]


def test_the_log_of_answers_is_read_from_its_start_and_by_no_group() -> None:
    for options in opened_readers("kafka"):
        assert (None, False, "earliest") == (
            options["group_id"],
            options["enable_auto_commit"],
            options["auto_offset_reset"],
        )
        assert options["enable_incremental_fetch_sessions"] is False
        assert ["host:1"] == options["bootstrap_servers"]
