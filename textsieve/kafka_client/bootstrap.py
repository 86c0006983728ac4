"""Clients that find a healthy broker where the first one they ask hangs."""

import random
import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from kafka.net.compat import KafkaNetClient
from kafka.net.manager import KafkaConnectionManager
from kafka.net.selector import NetworkSelector
from kafka.protocol.metadata import FindCoordinatorRequest, MetadataRequest

CONNECT_MS = 2_000  # for the first connection to a broker, login included; the library doubles it after each failure
CONNECT_MAX_MS = 6_000  # the library's 30 s would all be spent on a broker that is not coming back
QUESTION_MS = 3_000  # for what any broker can answer, from memory: another one is asked after that
SILENT_SECONDS = 1.0  # a broker that owes an answer for longer may be stopped: fetches are held for 0.2 s at most


class PatientManager(KafkaConnectionManager):  # type: ignore[misc]  # the library ships no types
    """Connections of one client, to which every bootstrap server is as good as the others.

    The library gives the whole of `bootstrap_timeout_ms` to whichever server it happens to choose, and may choose the
    same again. A broker that was stopped, or whose disk hangs, still takes connections and then says nothing.
    """

    def __init__(self, net: Any, **options: Any) -> None:
        super().__init__(net, **options)
        servers = self.cluster.bootstrap_brokers()
        self._has_choice = len(servers) > 1
        self.cluster.bootstrap_brokers = partial(least_failed, servers, self._backoff)

    def get_connection(self, node_id: Any, timeout_ms: float | None = None, **options: Any) -> Any:
        """As the library's; among several bootstrap servers none is given more than its turn."""
        if timeout_ms is not None and self._has_choice and self.cluster.is_bootstrap(node_id):
            timeout_ms = min(timeout_ms, self.socket_connection_setup_timeout_ms(node_id))
        return super().get_connection(node_id, timeout_ms=timeout_ms, **options)

    def least_loaded_node(self) -> Any:
        """The broker to ask what any broker knows: one that is connected and answers, before one that may.

        The library takes whoever has no request under way. A consumer's healthy brokers always have one, a fetch, so
        it would turn to the one that is away, and the question would wait in the queue of a connection to be made.
        """
        nodes = [broker.node_id for broker in self.cluster.brokers()]
        random.shuffle(nodes)
        return min(filter(self._is_open, nodes), key=self._reluctance, default=None)

    def send(self, request: Any, node_id: Any = None, request_timeout_ms: float | None = None) -> Any:
        """As the library's; what another broker can answer as well is not waited for as long as the rest."""
        if request_timeout_ms is None and isinstance(request, (MetadataRequest, FindCoordinatorRequest)):
            request_timeout_ms = min(QUESTION_MS, self.config["request_timeout_ms"])
        return super().send(request, node_id, request_timeout_ms)

    def _is_open(self, node_id: Any) -> bool:
        """Whether a request would be taken now."""
        connection = self._conns.get(node_id)
        return not (connection is not None and connection.paused) and self.connection_delay(node_id) == 0

    def _reluctance(self, node_id: Any) -> tuple[bool, bool, int, int]:
        """What speaks against asking this broker, the worst first."""
        connection = self._conns.get(node_id)
        under_way = () if connection is None else connection.in_flight_requests
        is_silent = any(time.monotonic() - sent_at > SILENT_SECONDS for _, _, sent_at, *_ in under_way)
        failures = self._backoff[node_id][0] if node_id in self._backoff else 0
        return is_silent, connection is None or not connection.connected, failures, len(under_way)


def least_failed(servers: Sequence[Any], failures: Mapping[Any, Sequence[Any]]) -> list[Any]:
    """The servers that failed the fewest times: each is tried once before one is tried again.

    Args:
        servers: with a `node_id` each.
        failures: node id to what the library knows of its failures; their number stands first.
    """
    counts = [failures[server.node_id][0] if server.node_id in failures else 0 for server in servers]
    return [server for server, count in zip(servers, counts, strict=True) if count == min(counts)]


def patient_client(**options: Any) -> Any:
    """What kafka-python's clients take as `kafka_client`."""
    options |= {
        "socket_connection_setup_timeout_ms": CONNECT_MS,
        "socket_connection_setup_timeout_max_ms": CONNECT_MAX_MS,
    }
    net = NetworkSelector(**options)
    return KafkaNetClient(net, PatientManager(net, **options), **options)
