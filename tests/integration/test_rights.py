"""Each right in Kafka taken away in turn, on a broker with its authorizer: the worker names it before it reads."""

import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from functools import partial

import pytest
from kafka import KafkaAdminClient, KafkaProducer
from kafka.admin import (
    ACL,
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    ResourcePattern,
    ResourcePatternFilter,
    ResourceType,
)

from tests.integration.streams import Stream, texts
from tests.services import Brokers, _embedded
from textsieve.embedded.kafka.cluster import KafkaCluster
from textsieve.embedded.topics import Names
from textsieve.worker.connectors.kafka import Topics, prepare_topics
from textsieve.worker.errors import ConfigurationError
from textsieve.worker.settings import DeliverySettings, KafkaSettings, OutputSettings

USER, PASSWORD = "worker", "planted-secret"
INPUT, OUTPUT, LETTERS, GROUP = "messages", "labels", "dead-letters", "textsieve"
PROPAGATION_SECONDS = 60.0
GUARDED = {
    "listener.security.protocol.map": "CLIENTS:SASL_PLAINTEXT,BROKERS:PLAINTEXT,CONTROLLERS:PLAINTEXT",
    "sasl.enabled.mechanisms": "SCRAM-SHA-512",
    "listener.name.clients.scram-sha-512.sasl.jaas.config": (
        "org.apache.kafka.common.security.scram.ScramLoginModule required;"
    ),
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "super.users": "User:ANONYMOUS",  # the brokers' own listener, which asks for no login
}


def right(operation: str, name: str, *, kind: ResourceType = ResourceType.TOPIC, denied: bool = False) -> ACL:
    permission = ACLPermissionType.DENY if denied else ACLPermissionType.ALLOW
    is_prefix = kind is ResourceType.TRANSACTIONAL_ID
    pattern = ACLResourcePatternType.PREFIXED if is_prefix else ACLResourcePatternType.LITERAL
    return ACL(f"User:{USER}", "*", ACLOperation[operation], permission, ResourcePattern(kind, name, pattern))


NEEDED = [
    right(operation, topic)
    for topic, operations in {
        INPUT: ("READ", "DESCRIBE", "DESCRIBE_CONFIGS"),
        OUTPUT: ("READ", "WRITE", "DESCRIBE_CONFIGS"),
        LETTERS: ("READ", "WRITE", "DESCRIBE_CONFIGS"),
    }.items()
    for operation in operations
] + [right("READ", GROUP, kind=ResourceType.GROUP), right("WRITE", f"{GROUP}-", kind=ResourceType.TRANSACTIONAL_ID)]


@pytest.fixture(scope="module")
def guarded() -> Iterator[KafkaCluster]:
    """One node that asks for a login, and grants nothing unasked."""
    scram = ("--add-scram", f"SCRAM-SHA-512=[name={USER},password={PASSWORD}]")
    with (
        _embedded(partial(KafkaCluster, properties=GUARDED, format_arguments=scram)) as cluster,
        closing(admin(cluster)) as client,
    ):
        shape = {"num_partitions": 2, "replication_factor": 1}
        client.create_topics(dict.fromkeys((INPUT, OUTPUT, LETTERS), shape), wait_for_metadata=True)
        yield cluster


def admin(cluster: KafkaCluster) -> KafkaAdminClient:
    host, port = cluster.broker_address(1)
    return KafkaAdminClient(bootstrap_servers=f"{host}:{port}")


def grant(cluster: KafkaCluster, rights: Sequence[ACL]) -> None:
    """Exactly these, and no others."""
    everything = ACLFilter(
        None,
        None,
        ACLOperation.ANY,
        ACLPermissionType.ANY,
        ResourcePatternFilter(ResourceType.ANY, None, ACLResourcePatternType.ANY),
    )
    with closing(admin(cluster)) as client:
        client.delete_acls([everything])
        if rights:
            client.create_acls(list(rights))
        deadline = time.monotonic() + PROPAGATION_SECONDS
        while len(client.describe_acls(everything)[0]) != len(rights):
            assert time.monotonic() < deadline
            time.sleep(0.05)


def prepare(cluster: KafkaCluster, **more: object) -> Topics:
    login = {
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_username": USER,
        "sasl_password": PASSWORD,
    }
    settings = KafkaSettings(bootstrap_servers=cluster.addresses, group_id=GROUP, **{**login, **more})
    return prepare_topics(settings, OutputSettings(), DeliverySettings())


def test_with_all_rights_nothing_is_refused_and_nothing_warned_of(guarded: KafkaCluster) -> None:
    grant(guarded, NEEDED)

    found = prepare(guarded)

    assert 2 == found.partitions
    assert [] == [finding.text for finding in found.findings if not finding.is_notice]


@pytest.mark.parametrize(
    "missing",
    [acl for acl in NEEDED if acl.operation in {ACLOperation.READ, ACLOperation.WRITE}],
    ids=lambda acl: f"{acl.operation.name}-{acl.resource_pattern.resource_name}",
)
def test_a_right_that_is_missing_is_named_with_the_command_that_grants_it(guarded: KafkaCluster, missing: ACL) -> None:
    grant(guarded, [acl for acl in NEEDED if acl is not missing])
    resource, operation = missing.resource_pattern, missing.operation.name.capitalize()

    with pytest.raises(ConfigurationError, match=f"expected the right to {operation}") as caught:
        prepare(guarded)

    kind = resource.resource_type.name.lower().replace("_", "-")
    command = f"--allow-principal User:{USER} --operation {operation} --{kind} {resource.resource_name}"
    assert command in str(caught.value)


@pytest.mark.parametrize("topic", [INPUT, OUTPUT, LETTERS])
def test_a_topic_that_may_not_be_seen_is_not_called_missing(guarded: KafkaCluster, topic: str) -> None:
    grant(guarded, [*NEEDED, right("DESCRIBE", topic, denied=True)])

    with pytest.raises(ConfigurationError, match=f"topic {topic}: expected the right to Describe") as caught:
        prepare(guarded)

    assert "is not there" not in str(caught.value)


def test_a_topic_that_is_missing_is_called_missing(guarded: KafkaCluster) -> None:
    grant(guarded, [*NEEDED, right("READ", "elsewhere")])

    with pytest.raises(ConfigurationError, match="elsewhere is not there"):
        prepare(guarded, input_topics=("elsewhere",))


@pytest.mark.parametrize("topic", [INPUT, OUTPUT, LETTERS])
def test_options_that_may_not_be_seen_are_one_warning(guarded: KafkaCluster, topic: str) -> None:
    grant(guarded, [*NEEDED, right("DESCRIBE_CONFIGS", topic, denied=True)])

    [found] = [finding for finding in prepare(guarded).findings if not finding.is_notice]

    assert "unseen" == found.risk
    assert f"--operation DescribeConfigs --topic {topic}" in found.cure


def test_a_missing_output_is_created_with_the_right_to_create_it(guarded: KafkaCluster) -> None:
    new = [right(operation, "fresh") for operation in ("READ", "WRITE", "DESCRIBE_CONFIGS", "CREATE")]
    without = [acl for acl in new if acl.operation is not ACLOperation.CREATE]

    grant(guarded, [*NEEDED, *without])
    with pytest.raises(ConfigurationError, match=r"not grant the right to create it(.|\n)*--create --topic fresh"):
        prepare(guarded, output_topic="fresh")
    grant(guarded, [*NEEDED, *new])
    found = prepare(guarded, output_topic="fresh")

    assert "fresh" in found.ids


class GuardedStream(Stream):
    """A stream over the topics that are there, whose worker logs in."""

    def create(self, topic: str, *, partitions: int, configs: dict[str, str] | None = None) -> None:
        """They are there."""


def test_a_worker_with_exactly_these_rights_works(guarded: KafkaCluster, store: str) -> None:
    grant(guarded, NEEDED)
    names = Names(messages=INPUT, labels=OUTPUT, dead_letters=LETTERS, group=GROUP, space="rights")
    login = {
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": USER,
        "sasl_plain_password": PASSWORD,
    }
    host, port = guarded.broker_address(1)
    producer = KafkaProducer(bootstrap_servers=f"{host}:{port}")
    for future in [producer.send(INPUT, value) for value in [*texts(60), b"no json"]]:
        future.get(timeout=60)
    producer.close(timeout=5)

    with closing(GuardedStream(Brokers(guarded.bootstrap_servers, "kafka"), store, names, connection=login)) as stream:
        process = stream.start(
            kafka__security_protocol="SASL_PLAINTEXT",
            kafka__sasl_mechanism="SCRAM-SHA-512",
            kafka__sasl_username=USER,
            kafka__sasl_password=PASSWORD,
        )
        results, letters = stream.until_answered(61)
        code, _ = stream.stop(process)

    assert (0, 60, 1) == (code, len(results), len(letters))
