"""The client that is a member of the consumer group: how it is opened."""

from typing import Any

from kafka import KafkaConsumer
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from kafka.coordinator.assignors.range import RangePartitionAssignor
from kafka.protocol.consumer.offsets import IsolationLevel

from textsieve.worker.connectors.kafka.client.options import (
    METADATA_AGE_MS,
    REQUEST_TIMEOUT_MS,
    connecting,
    connection_options,
)
from textsieve.worker.settings import KafkaSettings


def open_group_consumer(settings: KafkaSettings, *, max_records: int, commits: bool) -> Any:
    """Open a consumer that is subscribed to the input topics.

    Args:
        settings: of the connection and the group.
        max_records: of one poll.
        commits: whether offsets are committed by it, and not within transactions.

    Raises:
        ConfigurationError, BrokerUnavailable: as `connecting`.
    """
    embedded = settings.preset == "embedded"
    session_ms = settings.session_ms
    with connecting("joining the consumer group"):
        consumer = KafkaConsumer(
            **connection_options(settings),
            metrics_enabled=False,
            group_id=settings.group_id,
            group_instance_id=settings.group_instance_id,
            enable_auto_commit=False,
            auto_offset_reset="none",  # where to start is our decision: a silent reset would lose or repeat
            isolation_level=settings.isolation_level or ("read_uncommitted" if embedded else "read_committed"),
            partition_assignment_strategy=[RangePartitionAssignor if embedded else CooperativeStickyAssignor],
            session_timeout_ms=session_ms,
            heartbeat_interval_ms=session_ms // 4 if embedded else min(3_000, session_ms // 4),
            max_poll_interval_ms=settings.poll_interval_ms,
            max_poll_records=max_records,
            fetch_max_bytes=settings.fetch_max_bytes,
            max_partition_fetch_bytes=min(settings.fetch_max_bytes, 2 * 1024 * 1024),
            # the embedded broker holds a fetch that found nothing until its time is up, whatever comes meanwhile
            fetch_max_wait_ms=20 if embedded else 200,
            # a heartbeat that is answered after the session is as good as none
            request_timeout_ms=min(REQUEST_TIMEOUT_MS, session_ms),
            allow_auto_create_topics=False,
            metadata_max_age_ms=METADATA_AGE_MS,
        )
    if not commits:  # whatever is read of the input: a transaction that ends later would move the offsets
        consumer._coordinator._isolation_level = IsolationLevel.READ_COMMITTED  # noqa: SLF001  # no option of it
    consumer.subscribe(list(settings.input_topics))
    return consumer
