"""What kafka-python 3.0 would stop at."""

import asyncio
from types import SimpleNamespace

import pytest
from kafka import TopicPartition
from kafka.consumer.fetcher import Fetcher
from kafka.coordinator.consumer import ConsumerCoordinator
from kafka.errors import KafkaTimeoutError, NotLeaderForPartitionError
from kafka.protocol.consumer.offsets import IsolationLevel, ListOffsetsResponse
from kafka.record.default_records import DefaultRecordBatchBuilder
from kafka.record.memory_records import MemoryRecords

from textsieve.worker.connectors.kafka.client.patches import patch_client_library


class _RawName(str):
    __slots__ = ()

    def encode(self, *_arguments: str) -> bytes:
        return b"\xff\xfe"


def _batch(names: list[str], *, codec: int = 0) -> bytes:
    builder = DefaultRecordBatchBuilder(
        magic=2,
        compression_type=codec,
        is_transactional=False,
        producer_id=-1,
        producer_epoch=-1,
        base_sequence=-1,
        batch_size=100_000,
    )
    for offset, name in enumerate(names):
        builder.append(offset, 0, b"key", b"value-%d" % offset, [(name, b"v")])
    return bytes(builder.build())


@pytest.mark.parametrize("codec", [0, 1, 3])
def test_a_header_name_that_is_not_utf8_does_not_hold_its_partition(codec: int) -> None:
    patch_client_library()
    records = list(MemoryRecords(_batch(["plain", _RawName("x"), "ünicode", _RawName("y")], codec=codec)).next_batch())

    assert [b"value-0", b"value-1", b"value-2", b"value-3"] == [record.value for record in records]
    assert ["plain", "��", "ünicode", "��"] == [record.headers[0][0] for record in records]
    assert {bytes} == {type(record.value) for record in records}


@pytest.mark.parametrize("rejoining", [True, False])
def test_a_join_that_was_begun_is_carried_to_its_end_whatever_the_metadata_say_by_then(rejoining):
    patch_client_library()
    coordinator = ConsumerCoordinator.__new__(ConsumerCoordinator)
    coordinator.rejoining, coordinator.rejoin_needed = rejoining, False
    coordinator._subscription = SimpleNamespace(partitions_auto_assigned=lambda: True, subscription={"in"})
    coordinator.config = {"api_version": (3, 9), "group_id": "group"}
    coordinator._assignment_snapshot = coordinator._metadata_snapshot = {"in": {0, 1}}  # the leader is up to date
    coordinator._joined_subscription = {"in"}

    assert rejoining == coordinator.need_rejoin()


class Connections:
    """One broker that answers ListOffsets with an error code, and metadata that may come or not."""

    def __init__(self, error_code: int, *, metadata_come: bool = True) -> None:
        self.cluster = SimpleNamespace(request_update=lambda: self.asked.append("metadata"))
        self.asked: list[str] = []
        self._error_code, self._metadata_come = error_code, metadata_come

    async def send(self, request, node_id):
        self.asked.append(f"broker {node_id}")
        partition = ListOffsetsResponse.ListOffsetsTopicResponse.ListOffsetsPartitionResponse(
            partition_index=0, error_code=self._error_code, timestamp=-1, offset=7, leader_epoch=1
        )
        topic = ListOffsetsResponse.ListOffsetsTopicResponse(name="in", partitions=[partition])
        return SimpleNamespace(API_VERSION=5, topics=[topic])

    async def wait_for(self, future, timeout_ms):
        if not self._metadata_come:
            raise KafkaTimeoutError


def listed(connections: Connections):
    patch_client_library()
    fetcher = Fetcher.__new__(Fetcher)
    fetcher._manager, fetcher._isolation_level = connections, IsolationLevel.READ_UNCOMMITTED
    return asyncio.run(fetcher._send_list_offsets_request(3, {TopicPartition("in", 0): (-1, -1)}))


@pytest.mark.parametrize("metadata_come", [True, False])
def test_who_leads_is_asked_anew_where_the_one_that_was_asked_does_not(metadata_come):
    connections = Connections(NotLeaderForPartitionError.errno, metadata_come=metadata_come)

    assert ({}, {TopicPartition("in", 0)}) == listed(connections)
    assert ["broker 3", "metadata"] == connections.asked


def test_who_leads_is_not_asked_where_it_answers():
    connections = Connections(0)

    found, again = listed(connections)

    assert (7, set()) == (found[TopicPartition("in", 0)].offset, again)
    assert ["broker 3"] == connections.asked
