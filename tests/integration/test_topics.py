"""What a start finds about the topics of three brokers, and whether the commands it gives cure it."""

import shlex
import subprocess
from collections.abc import Sequence
from contextlib import closing

import pytest
from kafka import KafkaAdminClient
from kafka.errors import UnknownBrokerIdError

from textsieve.embedded.kafka.cluster import KafkaCluster
from textsieve.embedded.kafka.java import java_command
from textsieve.embedded.topics import Names, create_topics
from textsieve.kafka_client.retries import with_retries
from textsieve.producer.connection import Connection
from textsieve.producer.messages import Message
from textsieve.producer.publisher import publish
from textsieve.producer.topics import TopicSpec
from textsieve.worker.connectors.kafka import Topics, prepare_topics
from textsieve.worker.errors import ConfigurationError
from textsieve.worker.settings import DeliverySettings, KafkaSettings, OutputSettings

TOOLS = {
    "kafka-configs.sh": "kafka.admin.ConfigCommand",
    "kafka-topics.sh": "org.apache.kafka.tools.TopicCommand",
}
TOOL_SECONDS = 60


def prepare(cluster: KafkaCluster, names: Names, **more: object) -> Topics:
    settings = KafkaSettings(
        bootstrap_servers=cluster.addresses,
        input_topics=(names.messages,),
        output_topic=names.labels,
        dead_letter_topic=names.dead_letters,
        group_id=names.group,
        **more,
    )
    return prepare_topics(settings, OutputSettings(), DeliverySettings())


def create(cluster: KafkaCluster, topic: str, *, partitions: int = 2, replicas: int = 3, **configs: str) -> None:
    shape = {
        "num_partitions": partitions,
        "replication_factor": replicas,
        "configs": {option.replace("_", "."): value for option, value in configs.items()},
    }

    def ask() -> None:
        with closing(KafkaAdminClient(bootstrap_servers=cluster.addresses)) as admin:
            admin.create_topics({topic: shape}, wait_for_metadata=True)

    with_retries(ask, seconds=30, worth=(UnknownBrokerIdError,))  # a node that has just begun may not know the others


def cure(cluster: KafkaCluster, commands: str) -> None:
    """Run what the operator is told to run, with the tools of the cluster's own version."""
    for line in commands.strip().splitlines():
        program, *arguments = shlex.split(line)
        command = java_command(cluster.classpath, TOOLS[program], *arguments)
        done = subprocess.run(command, capture_output=True, text=True, timeout=TOOL_SECONDS, check=False)
        assert 0 == done.returncode, done.stdout + done.stderr


def risks(found: Topics) -> Sequence[str]:
    return [finding.risk for finding in found.findings]


def test_topics_that_we_create_are_found_sound(kafka3: KafkaCluster, names: Names) -> None:
    create(kafka3, names.messages)

    created = prepare(kafka3, names)
    with closing(KafkaAdminClient(bootstrap_servers=kafka3.addresses)) as admin:
        described = admin.describe_topics([names.labels, names.dead_letters])

    assert [] == risks(created)
    replicas = {len(partition["replica_nodes"]) for topic in described for partition in topic["partitions"]}
    assert {3} == replicas


def test_topics_of_the_demo_and_the_producer_are_found_sound(kafka3: KafkaCluster, names: Names) -> None:
    create_topics(kafka3.bootstrap_servers, names, partitions=2)
    theirs = Names.unique("test")
    publish(
        [Message(None, b"{}")], connection=Connection(kafka3.addresses), topic=TopicSpec(theirs.messages, partitions=2)
    )

    assert [] == risks(prepare(kafka3, names))
    assert [] == risks(prepare(kafka3, theirs))


def test_the_commands_cure_what_is_warned_of(kafka3: KafkaCluster, names: Names) -> None:
    create(
        kafka3,
        names.messages,
        cleanup_policy="compact,delete",
        unclean_leader_election_enable="true",
        min_insync_replicas="1",
        retention_ms="60000",
    )
    create(kafka3, names.labels, replicas=1)
    found = prepare(kafka3, names)

    for finding in found.findings[1:]:
        cure(kafka3, finding.cure)

    expected = ["replication", "min_insync_replicas", "unclean_leader_election", "compaction", "retention"]
    assert expected == risks(found)
    assert ["replication"] == risks(prepare(kafka3, names))
    assert [] == risks(prepare(kafka3, names, accept_risks=("replication",)))


@pytest.mark.parametrize(
    ("shape", "named"),
    [
        ({"partitions": 1}, "expected 2 partitions"),
        ({"cleanup_policy": "compact"}, "expected cleanup.policy=delete"),
    ],
)
def test_the_commands_cure_what_is_refused(kafka3: KafkaCluster, names: Names, shape: dict, named: str) -> None:
    create(kafka3, names.messages)
    create(kafka3, names.labels, **shape)
    with pytest.raises(ConfigurationError, match=named) as refused:
        prepare(kafka3, names)

    told = [line for line in str(refused.value).splitlines() if line.strip().startswith("kafka-")]
    cure(kafka3, "\n".join(told))

    assert 2 == prepare(kafka3, names).partitions


def test_with_one_broker_stopped_worker_and_producer_go_on(kafka3: KafkaCluster, names: Names) -> None:
    create_topics(kafka3.bootstrap_servers, names, partitions=3)

    kafka3.stop(1)
    found = prepare(kafka3, names)
    report = publish(
        [Message(None, b"{}") for _ in range(30)],
        connection=Connection(kafka3.addresses),
        topic=TopicSpec(names.messages),
    )

    assert 3 == found.partitions
    assert (30, None) == (report.acked, report.fault)
