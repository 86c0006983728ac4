"""One finding a fact, with the command that cures it."""

import pytest

from tests.unit.worker.connectors.kafka.topics.clusters import INPUT, LETTERS, OUTPUT, cluster, settings, topic
from textsieve.worker.connectors.kafka.topics.description import Topic
from textsieve.worker.connectors.kafka.topics.risks import findings
from textsieve.worker.settings import KafkaSettings


def risks(found) -> list[str]:
    return [finding.risk for finding in found]


def test_sound_topics_are_not_worth_a_word() -> None:
    assert [] == findings(cluster(), settings())


@pytest.mark.parametrize(
    ("poor", "risk", "cure"),
    [
        (topic(OUTPUT, replicas=1), "replication", "kafka-reassign-partitions.sh"),
        (topic(INPUT, replicas=2), "replication", "kafka-reassign-partitions.sh"),
        (topic("__consumer_offsets", replicas=1), "replication", "kafka-reassign-partitions.sh"),
        (topic("__transaction_state", replicas=1), "replication", "kafka-reassign-partitions.sh"),
        (topic(LETTERS, min_insync_replicas="1"), "min_insync_replicas", "min.insync.replicas=2"),
        (topic(INPUT, min_insync_replicas="1"), "min_insync_replicas", "min.insync.replicas=2"),
        (
            topic(INPUT, unclean_leader_election_enable="true"),
            "unclean_leader_election",
            "unclean.leader.election.enable=false",
        ),
        (topic(INPUT, cleanup_policy="compact"), "compaction", "cleanup.policy=delete"),
        (topic(INPUT, cleanup_policy="compact,delete"), "compaction", "cleanup.policy=delete"),
        (topic(OUTPUT, retention_ms="3599999"), "retention", "retention.ms=604800000"),
        (topic(INPUT, retention_bytes="1000000"), "retention", "retention.bytes=-1"),
        (Topic(OUTPUT, "", 4, 3), "unseen", "--operation DescribeConfigs --topic labels"),
    ],
)
def test_a_topic_that_endangers_the_promise_is_one_finding_with_its_cure(poor: Topic, risk: str, cure: str) -> None:
    [found] = findings(cluster(poor), settings())

    assert risk == found.risk
    assert poor.name in found.text
    assert cure in found.cure
    assert not found.is_notice
    assert [] == findings(cluster(poor), settings(accept_risks=(risk,)))


def test_a_fact_about_several_topics_is_one_finding() -> None:
    weak = [topic(name, min_insync_replicas="1") for name in (INPUT, OUTPUT)]

    [found] = findings(cluster(*weak), settings())

    assert "got 1 of messages, labels:" in found.text
    assert 2 == found.cure.count("kafka-configs.sh --bootstrap-server kafka-1:9092 --alter")


def test_accepting_one_risk_accepts_no_other() -> None:
    poor = topic(OUTPUT, replicas=1), topic(INPUT, unclean_leader_election_enable="true")

    assert ["unclean_leader_election"] == risks(findings(cluster(*poor), settings(accept_risks=("replication",))))


def test_a_single_broker_is_one_notice_and_no_warning() -> None:
    alone = [
        topic(name, replicas=1, min_insync_replicas="1") for name in (INPUT, OUTPUT, LETTERS, "__consumer_offsets")
    ]

    [found] = findings(cluster(*alone, brokers=1), settings())

    assert ("replication", True) == (found.risk, found.is_notice)


def test_two_brokers_cannot_have_both_so_it_is_only_noted() -> None:
    pair = [topic(name, replicas=2, min_insync_replicas="1") for name in (INPUT, OUTPUT, LETTERS)]

    [found] = findings(cluster(*pair, brokers=2), settings())

    assert ("min_insync_replicas", True) == (found.risk, found.is_notice)


def test_the_brokers_own_topics_are_judged_by_their_replicas_alone() -> None:
    theirs = topic("__consumer_offsets", cleanup_policy="compact", min_insync_replicas="1", retention_ms="1")

    assert [] == findings(cluster(theirs), settings())


@pytest.mark.parametrize(("kept", "minutes"), [("-1", 10_080), ("604800001", 10_080)])
def test_a_group_that_is_forgotten_before_its_input_is_noted(kept: str, minutes: int) -> None:
    found = cluster(topic(INPUT, retention_ms=kept), offsets_retention_minutes=minutes)

    [notice] = findings(found, settings())

    assert ("retention", True) == (notice.risk, notice.is_notice)
    assert "offsets.retention.minutes" in notice.text


@pytest.mark.parametrize(
    ("kept", "minutes", "more"),
    [("604800000", 10_080, {}), ("-1", None, {}), ("-1", 10_080, {"auto_offset_reset": "latest"})],
)
def test_a_group_that_is_remembered_as_long_as_its_input_is_no_finding(kept: str, minutes, more) -> None:
    found = cluster(topic(INPUT, retention_ms=kept), offsets_retention_minutes=minutes)

    assert [] == findings(found, settings(**more))


def test_a_finding_as_text_names_the_setting_that_accepts_it() -> None:
    [found] = findings(cluster(topic(OUTPUT, replicas=1)), settings())

    assert "(kafka.accept_risks: replication):\n  kafka-reassign-partitions.sh" in str(found)


def test_risks_are_accepted_by_name_from_one_text() -> None:
    assert ("replication", "unseen") == KafkaSettings(accept_risks="replication, unseen").accept_risks  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="accept_risks"):
        KafkaSettings(accept_risks="everything")  # type: ignore[arg-type]
