import pytest
from kafka.errors import (
    KafkaTimeoutError,
    TopicAlreadyExistsError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)

from textsieve.producer.errors import BrokerUnavailable, ConfigurationError
from textsieve.producer.topics import TopicSpec, ensure_topic


class Broker:
    """An admin client over a dictionary of topics."""

    def __init__(self, topics=None, *, brokers=1, describe_error=0, somebody_is_faster=False):
        self._brokers = brokers
        self.topics = topics or {}
        self.created = {}
        self._describe_error = describe_error
        self._somebody_is_faster = somebody_is_faster

    def describe_cluster(self):
        return {"brokers": [{"broker_id": number} for number in range(self._brokers)]}

    def describe_topics(self, topics):
        [topic] = topics
        found = range(self.topics.get(topic, 0))
        code = self._describe_error or (0 if found else UnknownTopicOrPartitionError.errno)
        return [{"error_code": code, "partitions": [{"partition_index": index} for index in reversed(found)]}]

    def create_topics(self, new_topics, *, wait_for_metadata):
        assert wait_for_metadata
        self.created = new_topics
        for topic, shape in new_topics.items():
            self.topics[topic] = shape["num_partitions"]
        if self._somebody_is_faster:
            raise TopicAlreadyExistsError


def test_a_missing_topic_is_created_with_room_for_the_largest_message():
    broker = Broker()

    partitions = ensure_topic(broker, TopicSpec("messages", max_message_bytes=5_000), warn=pytest.fail)

    assert partitions == [0, 1, 2, 3]
    assert broker.created["messages"]["configs"]["max.message.bytes"] == "5000"


@pytest.mark.parametrize(("brokers", "replicas", "in_sync"), [(1, 1, "1"), (2, 2, "1"), (3, 3, "2"), (9, 3, "2")])
def test_a_missing_topic_is_created_to_outlive_a_broker_where_there_are_others(brokers, replicas, in_sync):
    broker = Broker(brokers=brokers)

    ensure_topic(broker, TopicSpec("messages"), warn=pytest.fail)

    shape = broker.created["messages"]
    assert shape["replication_factor"] == replicas
    assert shape["configs"]["min.insync.replicas"] == in_sync
    assert shape["configs"]["unclean.leader.election.enable"] == "false"


def test_a_topic_that_exists_is_left_as_it_is_and_another_count_is_told():
    broker, warnings = Broker({"messages": 2}), []

    assert ensure_topic(broker, TopicSpec("messages", partitions=8), warn=warnings.append) == [0, 1]
    assert broker.created == {}
    assert "exists with 2 partitions, not the 8" in warnings[0]


def test_no_count_asked_for_is_no_count_missed():
    assert ensure_topic(Broker({"messages": 2}), TopicSpec("messages"), warn=pytest.fail) == [0, 1]


def test_a_topic_that_somebody_else_creates_meanwhile_is_used():
    assert ensure_topic(Broker(somebody_is_faster=True), TopicSpec(partitions=3), warn=pytest.fail) == [0, 1, 2]


def test_a_refusal_of_the_broker_says_what_to_change():
    broker = Broker(describe_error=TopicAuthorizationFailedError.errno)

    with pytest.raises(BrokerUnavailable, match="create it beforehand"):
        ensure_topic(broker, TopicSpec(), warn=pytest.fail)


@pytest.mark.parametrize("name", ["", "two words", ".", "..", "x" * 250, "ünicode"])
def test_a_name_that_kafka_would_refuse_is_refused_at_once(name):
    with pytest.raises(ConfigurationError, match="--topic"):
        TopicSpec(name)


def test_another_broker_is_asked_where_one_is_away():
    class Flaky(Broker):
        failures = 2

        def describe_topics(self, topics):
            if self.failures:
                self.failures -= 1
                raise KafkaTimeoutError
            return super().describe_topics(topics)

    assert ensure_topic(Flaky({"messages": 2}), TopicSpec("messages"), warn=pytest.fail) == [0, 1]
