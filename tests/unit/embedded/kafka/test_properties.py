from pathlib import Path

import pytest

from textsieve.embedded.kafka.properties import Ports, as_text, node_properties

THREE = {number: Ports(100 + number, 200 + number, 300 + number, 100 + number, 200 + number) for number in (1, 2, 3)}


def properties(nodes=THREE, **more):
    return node_properties(1, nodes, data=Path("/data"), more=more)


def test_three_nodes_replicate_as_a_users_cluster_does():
    told = properties()

    assert ("3", "2") == (told["default.replication.factor"], told["min.insync.replicas"])
    assert ("3", "2") == (told["transaction.state.log.replication.factor"], told["transaction.state.log.min.isr"])
    assert "3" == told["offsets.topic.replication.factor"]


def test_one_node_replicates_once():
    told = properties({1: THREE[1]})

    assert ("1", "1") == (told["default.replication.factor"], told["min.insync.replicas"])


def test_every_node_votes():
    assert "1@127.0.0.1:301,2@127.0.0.1:302,3@127.0.0.1:303" == properties()["controller.quorum.voters"]


def test_clients_and_brokers_are_sent_through_a_proxy_each():
    told = properties({1: Ports(101, 201, 301, 901, 902)})

    assert "CLIENTS://127.0.0.1:101,BROKERS://127.0.0.1:201,CONTROLLERS://127.0.0.1:301" == told["listeners"]
    assert "CLIENTS://127.0.0.1:901,BROKERS://127.0.0.1:902" == told["advertised.listeners"]


def test_what_the_caller_says_stands_above_ours():
    assert "50" == properties(**{"num.partitions": "50"})["num.partitions"]


@pytest.mark.parametrize(("value", "line"), [("plain", "a=plain\n"), ("C:\\x", "a=C:\\\\x\n")])
def test_a_backslash_is_written_as_java_reads_it(value, line):
    assert line == as_text({"a": value})
