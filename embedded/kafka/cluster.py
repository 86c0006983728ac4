"""One or three brokers of Apache Kafka on loopback, which can be killed, frozen and started again one by one."""

import base64
import shutil
import tempfile
import uuid
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Literal, Self

from textsieve.embedded.kafka.jars import DEFAULT_VERSION, classpath
from textsieve.embedded.kafka.java import java_program
from textsieve.embedded.kafka.node import Node
from textsieve.embedded.kafka.properties import Ports
from textsieve.embedded.listening import LOOPBACK, lasting_ports

HEAP_MB = 320  # each node then takes 210 MB of memory when it begins to serve
PORTS_EACH = 3  # clients, brokers, controllers

NOTHING: Mapping[str, str] = MappingProxyType({})
NOWHERE: Mapping[int, int] = MappingProxyType({})


class KafkaCluster:
    """A cluster of our own. Nodes are numbered from 1; leaving the context ends all of them at once.

    With three nodes topics are replicated three times and need two replicas in sync, as a user's do.

    Args:
        nodes: How many.
        directory: For properties, data and logs, a folder for each node; a temporary one, removed at the end, if None.
        version: Of Apache Kafka, one of `embedded.kafka.jars.versions()`.
        properties: Beside and above our own, for every node.
        heap_mb: Java heap of each node.
        advertised: Port by node: where clients are sent, when a proxy stands between them and that node. The proxy
            passes on to `address(node)`.
        advertised_brokers: As `advertised`, for what brokers say to this node (replication); to `broker_address(node)`.
        format_arguments: For `kafka-storage format`, such as `--add-scram`.

    Raises:
        BinaryMissing: There is no Java, or no Maven to fetch the jars; the message says what to install.
        WrongJars: The jars are not those that are pinned.

    Example:
        >>> with KafkaCluster(3) as cluster:  # doctest: +SKIP
        ...     cluster.kill(2)
        ...     cluster.start(2)
    """

    def __init__(
        self,
        nodes: Literal[1, 3] = 1,
        *,
        directory: Path | None = None,
        version: str = DEFAULT_VERSION,
        properties: Mapping[str, str] = NOTHING,
        heap_mb: int = HEAP_MB,
        advertised: Mapping[int, int] = NOWHERE,
        advertised_brokers: Mapping[int, int] = NOWHERE,
        format_arguments: Sequence[str] = (),
    ) -> None:
        java_program()  # or it says what to install, before anything is fetched
        self.version = version
        self.classpath = classpath(version)
        self._numbers = tuple(range(1, nodes + 1))
        self._directory, self._temporary = directory, directory is None
        self._properties, self._heap_mb, self._format_arguments = properties, heap_mb, format_arguments
        self._ports = _ports(self._numbers, advertised, advertised_brokers)
        self._nodes: dict[int, Node] = {}

    def __enter__(self) -> Self:
        try:
            self._form()
            self.start(*self._numbers)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    @property
    def addresses(self) -> tuple[str, ...]:
        """What clients are told of each node, `host:port`."""
        return tuple(f"{LOOPBACK}:{self._ports[number].advertised_clients}" for number in self._numbers)

    @property
    def bootstrap_servers(self) -> str:
        """The addresses as Kafka clients want them, separated by commas."""
        return ",".join(self.addresses)

    @property
    def numbers(self) -> tuple[int, ...]:
        """Of the nodes: 1, or 1, 2, 3."""
        return self._numbers

    def address(self, number: int) -> tuple[str, int]:
        """Where a node listens for clients, past any proxy."""
        return LOOPBACK, self._ports[number].clients

    def broker_address(self, number: int) -> tuple[str, int]:
        """Where a node listens for the other brokers, past any proxy."""
        return LOOPBACK, self._ports[number].brokers

    def pid(self, number: int) -> int:
        """The process id of a node's last run."""
        return self._nodes[number].pid

    def alive(self, number: int) -> bool:
        """Whether a node's process is there, be it stopped."""
        return self._nodes[number].is_alive

    def kill(self, number: int) -> None:
        """End a node at once (SIGKILL)."""
        self._nodes[number].kill()

    def terminate(self, number: int) -> int:
        """Ask a node to end (SIGTERM), wait until it has, and return its exit code."""
        return self._nodes[number].terminate()

    def stop(self, number: int) -> None:
        """Freeze a node (SIGSTOP)."""
        self._nodes[number].stop()

    def cont(self, number: int) -> None:
        """Let a frozen node go on (SIGCONT)."""
        self._nodes[number].cont()

    def start(self, *numbers: int) -> None:
        """Start nodes that ended, all of them before waiting for any: a node without a majority stays silent.

        Raises:
            StartFailed: One of them did not come to serve, or runs already.
        """
        for number in numbers:
            self.launch(number)
        for number in numbers:
            self._nodes[number].await_ready()

    def launch(self, number: int) -> None:
        """Start a node that ended, and do not wait for it.

        Raises:
            StartFailed: It runs already, or its port is taken.
        """
        self._nodes[number].launch()

    def check(self) -> None:
        """See that all nodes run.

        Raises:
            ServerDied: One ended.
        """
        for node in self._nodes.values():
            node.check()

    def tail(self, number: int, lines: int = 20) -> str:
        """The last lines of a node's log."""
        return self._nodes[number].tail(lines)

    def close(self) -> None:
        """End all nodes at once and remove the temporary directory."""
        for node in self._nodes.values():
            node.kill()
        if self._temporary and self._directory is not None:
            shutil.rmtree(self._directory, ignore_errors=True)
            self._directory = None

    def _form(self) -> None:
        """Write each node's properties and make its data directory, side by side; once only."""
        if self._directory is None:
            self._directory = Path(tempfile.mkdtemp(prefix="textsieve-kafka-"))
        for number in self._numbers:
            self._nodes[number] = Node(
                number,
                self._ports,
                directory=self._directory / f"node-{number}",
                classpath=self.classpath,
                properties=self._properties,
                heap_mb=self._heap_mb,
            )
        cluster_id = (
            base64.urlsafe_b64encode(b"ts" + uuid.uuid4().bytes[2:]).decode().rstrip("=")
        )  # never begins with -
        forming = {number: node.format(cluster_id, *self._format_arguments) for number, node in self._nodes.items()}
        for number, formatting in forming.items():
            self._nodes[number].formatted(formatting)


def _ports(
    numbers: Iterable[int], advertised: Mapping[int, int], advertised_brokers: Mapping[int, int]
) -> dict[int, Ports]:
    found: dict[int, Ports] = {}
    for number, triple in zip(numbers, _triples(lasting_ports(PORTS_EACH * len(tuple(numbers)))), strict=True):
        clients, brokers, controllers = triple
        found[number] = Ports(
            clients, brokers, controllers, advertised.get(number, clients), advertised_brokers.get(number, brokers)
        )
    return found


def _triples(ports: Sequence[int]) -> Iterable[tuple[int, int, int]]:
    return zip(ports[0::3], ports[1::3], ports[2::3], strict=True)
