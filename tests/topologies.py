"""Stores of several processes: a primary with a replica and the sentinel that watches them, and a small cluster."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis

from textsieve.embedded.binaries import store_binary
from textsieve.embedded.listening import LOOPBACK, free_port
from textsieve.embedded.server import Server
from textsieve.embedded.store import answers_ping
from textsieve.worker.settings import RedisSettings

SERVICE = "textsieve"  # what the sentinel calls the primary
DOWN_AFTER_MS = 500  # of silence, until a server counts as gone
SETTLED_SECONDS = 30.0
SLOTS = 16_384
PATIENCE: dict[str, Any] = {"timeout_seconds": 1.0}


@dataclass(frozen=True, slots=True)
class Watched:
    """A primary, its replica and a sentinel."""

    primary: Server
    replica: Server
    sentinel: Server

    @property
    def settings(self) -> RedisSettings:
        """How a worker reaches whoever is the primary."""
        return RedisSettings(
            url=f"redis://{self.sentinel.address}/0", topology="sentinel", sentinel_service=SERVICE, **PATIENCE
        )


@dataclass(frozen=True, slots=True)
class Clustered:
    """Three primaries that share the slots, and a replica of the first."""

    primaries: tuple[Server, ...]
    replica: Server

    @property
    def settings(self) -> RedisSettings:
        """How a worker reaches the cluster."""
        return RedisSettings(
            url=f"redis://{self.primaries[2].address}/0",
            nodes=(self.primaries[1].address,),
            topology="cluster",
            **PATIENCE,
        )


@contextmanager
def watched(directory: Path) -> Iterator[Watched]:
    """Start a primary, a replica that follows it and a sentinel that knows both."""
    with ExitStack() as servers:
        primary = servers.enter_context(_server("primary", directory))
        follow = ("--replicaof", f"{LOOPBACK} {primary.port}", "--repl-diskless-sync-delay", "0")
        replica = servers.enter_context(_server("replica", directory, *follow))
        _wait(lambda: _client(replica).info("replication")["master_link_status"] == "up")
        configuration = directory / "sentinel.conf"
        configuration.write_text(
            f"sentinel monitor {SERVICE} {LOOPBACK} {primary.port} 1\n"
            f"sentinel down-after-milliseconds {SERVICE} {DOWN_AFTER_MS}\n"
            f"sentinel failover-timeout {SERVICE} 3000\n"
        )
        sentinel = servers.enter_context(
            Server(
                name="sentinel",
                command=lambda port: (
                    *(str(store_binary()), str(configuration), "--sentinel"),
                    *("--bind", LOOPBACK, "--port", str(port), "--daemonize", "no"),
                ),
                answers=answers_ping,
                directory=directory,
            )
        )
        _wait(lambda: len(_client(sentinel).execute_command("SENTINEL", "REPLICAS", SERVICE)) == 1)
        yield Watched(primary, replica, sentinel)


@contextmanager
def clustered(directory: Path) -> Iterator[Clustered]:
    """Start a cluster whose first primary has a replica."""
    with ExitStack() as servers:
        nodes = [servers.enter_context(_node(f"node-{number}", directory)) for number in range(4)]
        clients = [_client(node) for node in nodes]
        for number, client in enumerate(clients[:3]):
            client.execute_command("CLUSTER", "ADDSLOTSRANGE", number * SLOTS // 3, (number + 1) * SLOTS // 3 - 1)
        for node in nodes[1:]:
            bus = int(_client(node).config_get("cluster-port")["cluster-port"])
            clients[0].execute_command("CLUSTER", "MEET", LOOPBACK, node.port, bus)
        _wait(lambda: all(client.cluster("info")["cluster_known_nodes"] == "4" for client in clients))
        first = clients[0].execute_command("CLUSTER", "MYID")
        _wait(lambda: clients[3].execute_command("CLUSTER", "REPLICATE", first) == b"OK")
        _wait(lambda: clients[3].info("replication").get("master_link_status") == "up")
        _wait(lambda: all(client.cluster("info")["cluster_state"] == "ok" for client in clients))
        yield Clustered(tuple(nodes[:3]), nodes[3])


def _node(name: str, directory: Path) -> Server:
    return _server(
        name,
        directory,
        *("--cluster-enabled", "yes", "--cluster-config-file", f"{name}.conf", "--cluster-port", str(free_port())),
        *("--cluster-node-timeout", str(DOWN_AFTER_MS), "--repl-diskless-sync-delay", "0"),
        *("--cluster-replica-validity-factor", "0"),  # or a replica that was stopped would not stand for election
    )


def _server(name: str, directory: Path, *options: str) -> Server:
    return Server(
        name=name,
        command=lambda port: (
            *(str(store_binary()), "--bind", LOOPBACK, "--port", str(port), "--daemonize", "no"),
            *("--save", "", "--appendonly", "no", "--dir", str(directory), "--maxmemory-policy", "noeviction"),
            *options,
        ),
        answers=answers_ping,
        directory=directory,
    )


def _client(server: Server) -> redis.Redis:
    return redis.Redis(host=LOOPBACK, port=server.port, socket_timeout=2.0)


def _wait(settled: Callable[[], object]) -> None:
    deadline = time.monotonic() + SETTLED_SECONDS
    while not settled():
        if time.monotonic() > deadline:
            raise TimeoutError("the servers did not find each other")
        time.sleep(0.05)
