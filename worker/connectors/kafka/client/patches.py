"""Repairs of kafka-python 3.0, where a stranger's bytes or silence would stop a worker for ever."""

import contextlib
import socket
from traceback import walk_tb
from typing import Any

from kafka.consumer.fetcher import Fetcher
from kafka.coordinator.consumer import ConsumerCoordinator
from kafka.errors import KafkaError
from kafka.net import manager
from kafka.net.transport import KafkaSSLTransport
from kafka.record import memory_records
from kafka.record.default_records import DefaultRecordBatch

REFRESH_MS = 1_000  # for somebody to say who leads; then the question is asked again in any case
HANDSHAKE_SECONDS = 5.0  # a handshake takes milliseconds; within the patience with a starting broker


class _LenientName(bytes):
    def decode(self, encoding: str = "utf-8", errors: str = "replace") -> str:
        """As bytes.decode; what is not UTF-8 becomes U+FFFD."""
        return super().decode(encoding, errors)


class _LenientBuffer(bytes):
    def __getitem__(self, key: Any) -> Any:
        found = super().__getitem__(key)
        return _LenientName(found) if isinstance(key, slice) else found


class LenientRecordBatch(DefaultRecordBatch):  # type: ignore[misc]  # the library ships no types
    """A record batch whose header names may be any bytes; batches without such names cost nothing more.

    The protocol calls a name a string, but librdkafka takes any bytes and no broker looks. The library refuses the
    whole batch at every poll: one such message would hold its partition until it expires.
    """

    _buffer: Any
    _pos: int

    def _read_msg(self, *arguments: Any) -> Any:
        start = self._pos
        try:
            return super()._read_msg(*arguments)
        except UnicodeDecodeError:
            self._pos = start
            self._buffer = _LenientBuffer(self._buffer)  # for the rest of the batch too: one copy, however many are bad
            return super()._read_msg(*arguments)


class HandshakeTimeoutTransport(KafkaSSLTransport):  # type: ignore[misc]  # as above
    """A TLS connection whose handshake ends in time.

    The library waits for the server's part without a limit, and the constructor of a client with it.
    """

    _net: Any
    _sock: Any

    async def handshake(self) -> None:
        """As the library's, with the connection cut after HANDSHAKE_SECONDS."""
        deadline = self._net.call_later(HANDSHAKE_SECONDS, self._cut)
        try:
            await super().handshake()
        finally:
            self._net.cancel(deadline)

    def _cut(self) -> None:
        with contextlib.suppress(OSError):  # it is gone already
            socket.socket.shutdown(self._sock, socket.SHUT_RDWR)  # SSLSocket's own forgets TLS in mid-handshake


_UNPACKING = Fetcher.PartitionRecords._unpack_records.__code__  # noqa: SLF001  # reads fetched records one by one
_library_lists_offsets = Fetcher._send_list_offsets_request  # noqa: SLF001  # the public ones end here
_library_needs_rejoin = ConsumerCoordinator.need_rejoin


def need_rejoin(coordinator: Any) -> bool:
    """As the library's, but what was begun is carried to its end.

    A member joins anew because the metadata of a topic changed, and the leader brings its picture of them up to date
    while it joins. The library then sees no reason to join any more, and never fetches what the broker has answered:
    the member sends no heartbeats, has no partitions, and says nothing. It takes a new topic on a cluster, and luck.
    """
    return bool(coordinator.rejoining or _library_needs_rejoin(coordinator))


async def lists_offsets(fetcher: Any, node: int, wanted: Any) -> tuple[Any, Any]:
    """As the library's, but a broker that says it does not lead a partition is believed.

    The library asks the same one again, without a pause, until the time is up; and where nothing is fetched meanwhile,
    the next call does the same, for ever.
    """
    found, again = await _library_lists_offsets(fetcher, node, wanted)
    if again:
        connections = fetcher._manager  # noqa: SLF001  # as above
        with contextlib.suppress(KafkaError):
            await connections.wait_for(connections.cluster.request_update(), REFRESH_MS)
    return found, again


def drop_unreadable(consumer: Any, error: BaseException) -> Any:
    """Let go of fetched records that a poll could not read, or the next poll would not return.

    What such records raise depends on what is broken in them: errors of the library, of a codec, of the interpreter.

    Args:
        consumer: whose poll failed.
        error: what came out of it, perhaps as the cause of another one.

    Returns:
        Their partition, to be sought anew; None where the error came from somewhere else.
    """
    causes = [error, *([error.__cause__] if error.__cause__ is not None else [])]
    frames = [frame for cause in causes for frame, _ in walk_tb(cause.__traceback__)]
    if not any(frame.f_code is _UNPACKING for frame in frames):
        return None
    fetcher = consumer._fetcher  # noqa: SLF001  # the error does not say which partition it is about
    at_fault, fetcher._next_partition_records = fetcher._next_partition_records, None  # noqa: SLF001
    return None if at_fault is None else at_fault.topic_partition


def patch_client_library() -> None:
    """Put the repairs in place for every client of this process; doing it again changes nothing."""
    ConsumerCoordinator.need_rejoin = need_rejoin
    Fetcher._send_list_offsets_request = lists_offsets  # noqa: SLF001  # as above
    memory_records.DefaultRecordBatch = LenientRecordBatch
    manager.KafkaSSLTransport = HandshakeTimeoutTransport
