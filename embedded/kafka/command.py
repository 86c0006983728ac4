"""`python -m embedded kafka`: Apache Kafka and a store on this machine, until interrupted."""

import time
from enum import StrEnum
from functools import partial
from typing import Annotated, Literal

import msgspec
import typer

from textsieve.embedded.command_line import exit_codes, serve
from textsieve.embedded.interruption import interruptible
from textsieve.embedded.kafka.cluster import HEAP_MB, KafkaCluster
from textsieve.embedded.kafka.jars import DEFAULT_VERSION, versions
from textsieve.embedded.kafka.properties import MIN_INSYNC, REPLICATION
from textsieve.embedded.kafka.supervisor import Supervisor
from textsieve.embedded.services import Services, start_services
from textsieve.embedded.store import Store


class Nodes(StrEnum):
    """How many brokers: alone, or as many as replication takes."""

    ONE = "1"
    THREE = "3"


def kafka(
    *,
    nodes: Annotated[Nodes, typer.Option(help="Brokers: 200 MB of memory each, ready after 3 or 8 s.")] = Nodes.ONE,
    version: Annotated[str, typer.Option(help=f"Of Apache Kafka: {', '.join(versions())}.")] = DEFAULT_VERSION,
    heap_mb: Annotated[int, typer.Option(min=1, help="Java heap of each broker.")] = HEAP_MB,
    store_port: Annotated[int | None, typer.Option(help="Of the store, on loopback; a free one if not given.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the settings as one JSON line.")] = False,
) -> None:
    """Start Apache Kafka and a store on loopback, print the settings that use them, and serve until interrupted.

    A broker that ends (kill one, to see what becomes of your stream) is started again after 15 s. At the end all is
    forgotten.
    """
    many: Literal[1, 3] = 3 if nodes is Nodes.THREE else 1
    with (
        exit_codes(),
        interruptible(),
        KafkaCluster(many, version=version, heap_mb=heap_mb) as cluster,
        start_services(cluster.bootstrap_servers, None, store=partial(Store, port=store_port)) as services,
    ):
        typer.echo(msgspec.json.encode(services.settings) if as_json else services.exports)
        _tell(_introduction(cluster))
        supervisor = Supervisor(cluster, say=_tell, clock=time.monotonic)
        serve(partial(_look, services, supervisor))


def _look(services: Services, supervisor: Supervisor) -> None:
    services.check()
    supervisor.restart_ended()


def _introduction(cluster: KafkaCluster) -> str:
    lines = [f"Apache Kafka {cluster.version}, serving until interrupted:"]
    lines += [
        f"  node {number}: {address}, process {cluster.pid(number)}"
        for number, address in zip(cluster.numbers, cluster.addresses, strict=True)
    ]
    if len(cluster.numbers) >= REPLICATION:
        lines.append(
            f"Topics: {REPLICATION} replicas, {MIN_INSYNC} of them in sync, unless asked for otherwise:"
            " one node may be away, with two nothing is written"
        )
    else:
        lines.append("Topics: one replica, and no other broker takes over: for that, --nodes 3")
    return "\n".join(lines)


def _tell(words: str) -> None:
    typer.echo(words, err=True)
