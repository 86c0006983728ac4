"""Three brokers, and what elections do to the logs: answered messages that were lost, a ledger that is read."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from kafka import KafkaProducer
from kafka.errors import KafkaError

from tests.integration.members import Members, go_on, read, until, values
from textsieve.embedded.topics import Names
from textsieve.worker.connectors.kafka import KafkaSink, ProducerFactory, Stamp
from textsieve.worker.errors import BrokerUnavailable, LedgerError
from textsieve.worker.headers import source_header
from textsieve.worker.records import Outgoing, Position, Progress, Record
from textsieve.worker.settings import OutputSettings

ANSWERS = 300
UNCLEAN = {"min.insync.replicas": "1", "unclean.leader.election.enable": "true"}


@contextmanager
def opened(members: Members) -> Iterator[Members]:
    try:
        yield members
    finally:
        members.close()


def in_sync(members: Members, topic: str) -> set[int]:
    with suppress(KafkaError), members.admin() as admin:
        return set(admin.describe_topics([topic])[0]["partitions"][0]["isr_nodes"])
    return set()


def leader(members: Members, topic: str) -> int:
    with members.admin() as admin:
        return int(admin.describe_topics([topic])[0]["partitions"][0]["leader_id"])


def test_answered_messages_that_the_brokers_lost_stop_the_worker_that_is_there_and_the_one_that_comes(
    kafka3, names: Names
):
    with opened(Members(kafka3, names, replicas=[1, 2], configs=UNCLEAN)) as members:
        members.send(b"v0", b"v1", acks="all")
        member = members.member()
        members.start(member)
        kafka3.kill(2)
        until(lambda: in_sync(members, names.messages) == {1}, "one replica left")
        members.send(b"v2", b"v3", b"v4", acks="all")
        answered = values(read(member, count=5))
        member.commit({members.partition: 5})

        kafka3.kill(1)
        kafka3.start(2)
        until(lambda: in_sync(members, names.messages) == {2}, "the other replica leads")
        members.send(*(b"w%d" % number for number in range(2, 9)), acks="all")

        assert [b"v0", b"v1", b"v2", b"v3", b"v4"] == answered
        with pytest.raises(LedgerError, match="from 2 on: the group has committed 5"):
            go_on(member)
        member.close(timeout_seconds=2.0)
        with pytest.raises(LedgerError, match="from 2 on: the group has committed 5"):
            live(members)


def live(members: Members) -> None:
    """A member that comes now, until that ends in an error."""
    member = members.member()
    member.rewind({})
    go_on(member)


def publish(sink: KafkaSink, members: Members, answered: int) -> None:
    record = [Record(members.names.messages, 0, number, None, None, 0) for number in range(answered)]
    results = [Outgoing(r.source, r.offset, b"k", b"v", [source_header(r)], members.now_ms) for r in record]
    progress = {members.partition: Progress(answered, answered)}
    sink.publish(results=results, dead_letters=[], progress=progress, timeout_seconds=30.0)


def test_without_transactions_the_ledger_is_whole_right_after_an_election_and_behind_a_strangers_transaction(
    kafka3, names: Names
):
    with opened(Members(kafka3, names)) as members:
        settings = members.settings(session_timeout_ms=10_000)
        topics = members.topics(settings)
        sink = KafkaSink(ProducerFactory(settings, OutputSettings(), 20.0), Stamp("w", "1", topics.ids, lambda: 1), 50)
        publish(sink, members, ANSWERS)
        starts = {members.partition: Position(0, topics.ids[names.messages])}
        lost = leader(members, names.labels)
        stranger = KafkaProducer(
            bootstrap_servers=members.servers, transactional_id="stranger", transaction_timeout_ms=4000
        )
        stranger.init_transactions()
        stranger.begin_transaction()
        stranger.send(names.labels, b"not ours", partition=0).get(timeout=30)
        kafka3.kill(lost)

        assert set(range(ANSWERS)) == recovered(sink, starts)
        sink.close(timeout_seconds=2.0)
        with suppress(KafkaError):
            stranger.close(timeout=1)


def recovered(sink: KafkaSink, starts: dict) -> set[int]:
    """What is answered, as soon as the sink says so."""
    while True:
        with suppress(BrokerUnavailable):
            (published,) = sink.recover(starts).values()
            return published.results
