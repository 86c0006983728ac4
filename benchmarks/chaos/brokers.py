"""An Apache Kafka of our own to inject faults into: its nodes, a proxy before each, and who does what there."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from kafka import KafkaAdminClient, TopicPartition
from kafka.errors import KafkaError

from benchmarks.chaos.proxy import Proxy
from textsieve.embedded.kafka.cluster import KafkaCluster
from textsieve.embedded.topics import Names
from textsieve.kafka_client.bootstrap import patient_client

CONNECT_MS = 10_000  # a broker that is stopped does not answer: the others do
REQUEST_MS = 5_000  # as above
QUICK = {
    # how often the broker looks for transactions whose time is over: a takeover waits so much longer than need be
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": "1000",  # of 10000
}
INTERNAL = ("__consumer_offsets", "__transaction_state")  # both there once a group and a transaction were


@dataclass(frozen=True, slots=True)
class Brokers:
    """The nodes and the proxies before them.

    Attributes:
        proxies: before them, by node: from clients, by node.
        replica_proxies: from the other brokers, by node.
    """

    cluster: KafkaCluster
    proxies: Mapping[int, Proxy]
    replica_proxies: Mapping[int, Proxy]

    @property
    def numbers(self) -> tuple[int, ...]:
        """Of the nodes."""
        return self.cluster.numbers

    def is_whole(self, names: Names) -> bool:
        """Whether every replica of the stream's topics, and of Kafka's own, is in sync; False while nobody says so."""
        with suppress(KafkaError), self._admin() as admin:
            return all(
                len(partition["isr_nodes"]) == len(self.numbers) and partition["leader_id"] in self.numbers
                for partition in self._partitions(admin, names).values()
            )
        return False

    def leaders(self, names: Names, topic: str) -> dict[int, int]:
        """Node that leads each partition of a topic of the stream.

        Raises:
            kafka.errors.KafkaError: the cluster does not answer.
        """
        with self._admin() as admin:
            found = self._partitions(admin, names).items()
            return {at.partition: int(partition["leader_id"]) for at, partition in found if at.topic == topic}

    def controller(self) -> int:
        """Node that leads the metadata quorum.

        Raises:
            kafka.errors.KafkaError: the cluster does not answer.
        """
        with self._admin() as admin:
            quorum = admin.describe_metadata_quorum()
            return int(quorum["topics"][0]["partitions"][0]["leader_id"])

    def group_coordinators(self, names: Names) -> set[int]:
        """Node that the stream's group reports to.

        Raises:
            kafka.errors.KafkaError: the cluster does not answer.
        """
        with self._admin() as admin:
            return {
                number
                for number in self.numbers
                if any(group["group_id"] == names.group for group in admin.list_groups([number]))
            }

    def transaction_coordinators(self, names: Names) -> set[int]:
        """Nodes that carry the transactions of the stream's workers.

        Raises:
            kafka.errors.KafkaError: the cluster does not answer.
        """
        with self._admin() as admin:
            found = admin.list_transactions().items()
            return {
                number
                for number, listed in found
                if any(each.transactional_id.startswith(f"{names.group}-") for each in listed)
            }

    def move_leaders(self, names: Names) -> None:
        """Every partition of the stream, and of Kafka's own topics, gets its next replica for a leader.

        Raises:
            kafka.errors.KafkaError: the cluster does not answer, or refuses.
        """
        with self._admin() as admin:
            found = self._partitions(admin, names)
            orders = {at: _rotated(self.numbers, int(partition["leader_id"])) for at, partition in found.items()}
            admin.alter_partition_reassignments(orders, timeout_ms=REQUEST_MS)
            admin.elect_leaders(0, timeout_ms=REQUEST_MS, raise_errors=False)  # 0: the preferred one

    def _partitions(self, admin: Any, names: Names) -> dict[TopicPartition, Mapping[str, Any]]:
        known = set(admin.list_topics())
        topics = [topic for topic in (*names.topics, *INTERNAL) if topic in known]
        return {
            TopicPartition(topic["name"], partition["partition_index"]): partition
            for topic in admin.describe_topics(topics)
            for partition in topic["partitions"]
        }

    @contextmanager
    def _admin(self) -> Iterator[Any]:
        admin = KafkaAdminClient(
            bootstrap_servers=list(self.cluster.addresses),
            bootstrap_timeout_ms=CONNECT_MS,
            request_timeout_ms=REQUEST_MS,
            kafka_client=patient_client,
        )
        with closing(admin):
            yield admin


@contextmanager
def brokers_of_our_own(nodes: Literal[1, 3], directory: Path) -> Iterator[Brokers]:
    """Start a cluster with proxies before it; everything ends with the context.

    Raises:
        EmbeddedError: it did not come to serve.
    """
    with ExitStack() as resources:
        numbers = range(1, nodes + 1)
        lines = {number: resources.enter_context(Proxy()) for number in numbers}
        replica_proxies = {number: resources.enter_context(Proxy()) for number in numbers}
        cluster = KafkaCluster(
            nodes,
            directory=directory,
            properties=QUICK,
            advertised={number: line.port for number, line in lines.items()},
            advertised_brokers={number: line.port for number, line in replica_proxies.items()},
        )
        for number in numbers:
            lines[number].upstream = cluster.address(number)
            replica_proxies[number].upstream = cluster.broker_address(number)
        resources.enter_context(cluster)
        yield Brokers(cluster, lines, replica_proxies)


def _rotated(numbers: tuple[int, ...], leader: int) -> list[int]:
    """The replicas, from the one behind the leader on."""
    at = numbers.index(leader) + 1 if leader in numbers else 0
    return [*numbers[at:], *numbers[:at]]
