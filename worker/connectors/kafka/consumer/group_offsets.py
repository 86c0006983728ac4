"""What the brokers say about offsets when partitions are assigned: one question for all of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from textsieve.worker.connectors.kafka.client.options import REQUEST_TIMEOUT_MS, offsets_of
from textsieve.worker.settings import KafkaSettings


@dataclass(frozen=True, slots=True)
class GroupOffsets:
    """Asks for the ends of the logs, and for what the group has committed.

    Attributes:
        consumer: kafka-python's.
    """

    consumer: Any
    settings: KafkaSettings

    def first(self, partitions: Sequence[Any]) -> Mapping[Any, int]:
        """The first offset of each."""
        return self._ask(self.consumer.beginning_offsets, partitions)

    def ends(self, partitions: Sequence[Any]) -> Mapping[Any, int]:
        """The offset behind the last message of each."""
        return self._ask(self.consumer.end_offsets, partitions)

    def committed(self, partitions: Sequence[Any]) -> Mapping[Any, Any]:
        """The OffsetAndMetadata of those for which there is one; the public API asks for each alone."""
        found: Mapping[Any, Any] = self.consumer._coordinator.fetch_committed_offsets(  # noqa: SLF001  # see above
            partitions, timeout_ms=self._timeout_ms
        )
        return found

    def initial(self, partitions: Sequence[Any], first: Mapping[Any, int]) -> Mapping[Any, int]:
        """Where partitions start for which the group has committed nothing."""
        if self.settings.auto_offset_reset == "earliest":
            return {partition: first[partition] for partition in partitions}
        return self.ends(partitions)

    @property
    def _timeout_ms(self) -> int:
        """For one question: while it is asked nobody polls, and the group waits for whoever does not."""
        return min(REQUEST_TIMEOUT_MS, self.settings.session_ms // 2)

    def _ask(self, question: Any, partitions: Sequence[Any]) -> Mapping[Any, int]:
        return offsets_of(question, partitions, timeout_ms=self._timeout_ms) if partitions else {}
