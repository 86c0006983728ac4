"""What the brokers of a small cluster are told: as a user's cluster, only smaller."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from textsieve.embedded.listening import LOOPBACK

REPLICATION = 3  # of three nodes, as users have it
MIN_INSYNC = 2  # of three replicas: one broker may be away


@dataclass(frozen=True, slots=True)
class Ports:
    """Where one node listens on loopback, and where others are told that it does."""

    clients: int
    brokers: int  # replication, and what else brokers say to each other
    controllers: int
    advertised_clients: int
    advertised_brokers: int


def node_properties(number: int, nodes: Mapping[int, Ports], *, data: Path, more: Mapping[str, str]) -> dict[str, str]:
    """The server.properties of one node, broker and controller in one process."""
    ours = nodes[number]
    voters = ",".join(f"{node}@{LOOPBACK}:{ports.controllers}" for node, ports in nodes.items())
    listening = {"CLIENTS": ours.clients, "BROKERS": ours.brokers, "CONTROLLERS": ours.controllers}
    advertised = {"CLIENTS": ours.advertised_clients, "BROKERS": ours.advertised_brokers}
    return {
        "process.roles": "broker,controller",
        "node.id": str(number),
        "controller.quorum.voters": voters,
        "listeners": _listeners(listening),
        "advertised.listeners": _listeners(advertised),
        "listener.security.protocol.map": ",".join(f"{name}:PLAINTEXT" for name in listening),
        "inter.broker.listener.name": "BROKERS",
        "controller.listener.names": "CONTROLLERS",
        "log.dirs": str(data),
        **_replication(len(nodes)),
        **_small(),
        **_quick(),
        **more,
    }


def as_text(properties: Mapping[str, str]) -> str:
    """The file that Kafka reads; a backslash is Java's escape."""
    return "".join(f"{name}={value.replace(chr(92), chr(92) * 2)}\n" for name, value in properties.items())


def _listeners(ports: Mapping[str, int]) -> str:
    return ",".join(f"{name}://{LOOPBACK}:{port}" for name, port in ports.items())


def _replication(nodes: int) -> dict[str, str]:
    replicas = str(min(REPLICATION, nodes))
    in_sync = str(MIN_INSYNC if nodes >= REPLICATION else 1)
    return {
        "default.replication.factor": replicas,
        "min.insync.replicas": in_sync,
        "offsets.topic.replication.factor": replicas,
        "transaction.state.log.replication.factor": replicas,
        "transaction.state.log.min.isr": in_sync,
        "share.coordinator.state.topic.replication.factor": replicas,
        "share.coordinator.state.topic.min.isr": in_sync,
    }


def _small() -> dict[str, str]:
    return {
        "auto.create.topics.enable": "false",  # a name misspelt is a refusal, as on every careful cluster
        "num.partitions": "4",
        "offsets.topic.num.partitions": "4",  # of 50: each has to be elected, and loaded
        "transaction.state.log.num.partitions": "4",  # as above
        "num.network.threads": "2",
        "num.io.threads": "4",
        "background.threads": "2",
        "log.cleaner.dedupe.buffer.size": "4194304",  # bytes; 128 MB of heap by default
    }


def _quick() -> dict[str, str]:
    return {
        "group.initial.rebalance.delay.ms": "0",  # members come one after the other, and each would wait 3 s
        "broker.session.timeout.ms": "5000",  # of 9000: how long a broker that was killed keeps its leadership
        "broker.heartbeat.interval.ms": "500",  # of 2000
        "replica.lag.time.max.ms": "10000",  # of 30000: how long acks=all waits for a replica that lags
    }
