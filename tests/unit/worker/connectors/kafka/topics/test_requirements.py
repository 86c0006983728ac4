"""What cannot work is refused before anything is read, with the command that cures it."""

from collections.abc import Mapping

import pytest

from tests.unit.worker.connectors.kafka.topics.clusters import INPUT, LETTERS, OUTPUT, cluster, settings, topic
from textsieve.worker.connectors.kafka.topics import requirements
from textsieve.worker.connectors.kafka.topics.description import Cluster, Topic
from textsieve.worker.errors import ConfigurationError

ALL = frozenset({"READ", "WRITE", "DESCRIBE"})


def require_outputs(found: Cluster, **more: object) -> None:
    requirements.require_outputs(found, settings(**more), partitions=4, max_message_bytes=1_000_000)


def test_sound_topics_pass() -> None:
    found = cluster(*(topic(name, operations=ALL) for name in (INPUT, OUTPUT, LETTERS)))

    requirements.require_different(settings())
    requirements.require_inputs(found, settings())
    requirements.require_rights(found, settings())
    require_outputs(found)


def test_a_topic_that_is_to_be_two_things_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="got the same twice"):
        requirements.require_different(settings(output_topic=INPUT))


def test_a_missing_input_comes_with_the_command_that_creates_it() -> None:
    with pytest.raises(ConfigurationError, match=r"messages is not there(.|\n)*--create --topic messages"):
        requirements.require_inputs(Cluster(3, {}, missing={INPUT: None}), settings())


@pytest.mark.parametrize(
    ("brokers", "durability"),
    [(1, "--replication-factor 1"), (2, "--replication-factor 2"),
     (5, "--replication-factor 3 --config min.insync.replicas=2")],
)  # fmt: skip
def test_the_command_that_creates_a_topic_works_on_so_many_brokers(brokers: int, durability: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        requirements.require_inputs(Cluster(brokers, {}, missing={INPUT: None}), settings())

    assert str(caught.value).endswith(f"--partitions 6 {durability}")


def test_an_input_that_we_may_not_see_is_not_called_missing() -> None:
    with pytest.raises(ConfigurationError, match="expected the right to Describe") as caught:
        requirements.require_inputs(Cluster(3, {}, unauthorized=frozenset({INPUT})), settings(sasl_username=None))

    assert "--operation Read --topic messages" in str(caught.value)
    assert "is not there" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "missing"), [(INPUT, "Read"), (OUTPUT, "Write"), (OUTPUT, "Read"), (LETTERS, "Write"), (LETTERS, "Read")]
)
def test_a_right_that_is_missing_is_named_with_its_topic(name: str, missing: str) -> None:
    found = cluster(topic(name, operations=ALL - {missing.upper()}))

    with pytest.raises(ConfigurationError, match=f"topic {name}: expected the right to {missing}"):
        requirements.require_rights(found, settings())


def test_the_user_is_named_where_it_is_known() -> None:
    login = {"security_protocol": "SASL_SSL", "sasl_username": "ann", "sasl_mechanism": "PLAIN", "sasl_password": "x"}

    with pytest.raises(ConfigurationError, match=r"grant it to ann(.|\n)*User:ann"):
        requirements.require_rights(cluster(topic(INPUT, operations=frozenset())), settings(**login))


def test_a_right_to_an_output_that_is_not_there_yet_is_asked_for_too() -> None:
    with pytest.raises(ConfigurationError, match="topic labels: expected the right to Write"):
        requirements.require_rights(Cluster(3, {}, missing={OUTPUT: frozenset({"CREATE"})}), settings())


def test_where_the_broker_does_not_say_which_rights_we_have_nothing_is_refused() -> None:
    requirements.require_rights(cluster(), settings())


@pytest.mark.parametrize(
    ("configs", "named"),
    [
        ({"cleanup_policy": "compact"}, "expected cleanup.policy=delete, got compact"),
        ({"cleanup_policy": "compact,delete"}, "expected cleanup.policy=delete, got compact,delete"),
        ({"max_message_bytes": "999999"}, "expected max.message.bytes of at least 1000000, got 999999"),
    ],
)
@pytest.mark.parametrize("name", [OUTPUT, LETTERS])
def test_an_output_that_forgets_or_refuses_answers_is_refused(
    name: str, configs: Mapping[str, str], named: str
) -> None:
    with pytest.raises(ConfigurationError, match=named):
        require_outputs(cluster(topic(name, **configs)))


def test_a_compacted_output_can_be_accepted() -> None:
    require_outputs(cluster(topic(OUTPUT, cleanup_policy="compact")), accept_risks=("compaction",))


@pytest.mark.parametrize(
    ("partitions", "cure"), [(3, "--topic labels --partitions 4"), (5, "--topic messages --partitions 5")]
)
def test_unequal_partitions_are_refused_and_the_smaller_topic_grows(partitions: int, cure: str) -> None:
    with pytest.raises(ConfigurationError, match=cure):
        require_outputs(cluster(topic(OUTPUT, partitions=partitions)))


def test_a_broker_that_says_nothing_of_options_hinders_nobody() -> None:
    require_outputs(cluster(Topic(OUTPUT, "", 4, 3), Topic(LETTERS, "", 4, 3)))
