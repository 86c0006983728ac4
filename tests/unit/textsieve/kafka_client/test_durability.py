import pytest

from textsieve.kafka_client.durability import durable_shape, replicas_on


@pytest.mark.parametrize(("brokers", "replicas", "in_sync"), [(0, 1, "1"), (1, 1, "1"), (2, 2, "1"), (5, 3, "2")])
def test_what_is_acked_outlives_a_broker_where_there_are_enough(brokers, replicas, in_sync) -> None:
    configs = {"min.insync.replicas": in_sync, "unclean.leader.election.enable": "false"}

    assert {"replication_factor": replicas, "configs": configs} == durable_shape(brokers)


def test_more_replicas_are_given_where_they_are_wanted_and_there_are_brokers() -> None:
    assert (4, 5) == (replicas_on(4, at_least=5), replicas_on(9, at_least=5))
