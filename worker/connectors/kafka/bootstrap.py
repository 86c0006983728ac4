"""Clients that find a healthy broker where the first one they ask hangs."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from kafka.net.compat import KafkaNetClient
from kafka.net.manager import KafkaConnectionManager
from kafka.net.selector import NetworkSelector

CONNECT_MS = 2_000  # for the first connection to a broker, login included; the library doubles it after each failure


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
    options["socket_connection_setup_timeout_ms"] = CONNECT_MS
    net = NetworkSelector(**options)
    return KafkaNetClient(net, PatientManager(net, **options), **options)
