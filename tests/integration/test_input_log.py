"""What becomes of the input log behind a worker's back: each has one outcome, and a line in the log that names it."""

from collections.abc import Iterator

import pytest
import structlog
from kafka import KafkaProducer

from tests.integration.members import Members, go_on, read, until, until_reassigned, values
from textsieve.embedded.topics import Names
from textsieve.worker.errors import LedgerError


@pytest.fixture
def members(kafka, names: Names) -> Iterator[Members]:
    found = Members(kafka, names)
    yield found
    found.close()


def truncate_front(members: Members, offset: int) -> None:
    """What retention does, at once."""
    with members.admin() as admin:
        admin.delete_records({members.log: offset})


def expired(lines: list[structlog.typing.EventDict]) -> list[int]:
    return [line["lost_at_most"] for line in lines if line["event"].startswith("messages expired")]


def test_messages_that_expired_while_nobody_was_there_are_counted_and_the_stream_goes_on(members):
    members.send(*(b"v%d" % number for number in range(10)))
    first = members.member()
    members.start(first)
    first.commit({members.partition: 2})
    first.close(timeout_seconds=2.0)
    truncate_front(members, 5)

    with structlog.testing.capture_logs() as lines:
        second = members.member()
        start = members.start(second)

    assert (5, [3]) == (start, expired(lines))
    assert [b"v5", b"v6"] == values(read(second, count=5))[:2]


def test_messages_that_expire_under_a_worker_are_counted_and_the_stream_goes_on(members):
    member = members.member()
    members.start(member)
    member.poll(max_records=0, timeout_seconds=0.5)  # it takes nothing at present, as when memory is full
    members.send(*(b"v%d" % number for number in range(10)))
    truncate_front(members, 6)

    with structlog.testing.capture_logs() as lines:
        until_reassigned(member)
        start = members.start(member)

    assert (6, [6]) == (start, expired(lines))
    assert [b"v6", b"v7", b"v8", b"v9"] == values(read(member, count=4))


def test_the_end_of_a_transaction_that_expired_is_counted_among_what_was_lost_at_most(members):
    stranger = strangers_transaction(members, b"v0")
    stranger.commit_transaction()
    stranger.close(timeout=5)
    first = members.member()
    members.start(first)
    read(first, count=1)
    first.commit({members.partition: 1})
    first.close(timeout_seconds=2.0)
    truncate_front(members, 2)

    with structlog.testing.capture_logs() as lines:
        start = members.start(members.member())

    assert (2, [1]) == (start, expired(lines))


def test_a_new_group_starts_where_the_setting_says_and_that_cannot_move(members):
    members.send(b"v0", b"v1", b"v2")

    latest = members.member(auto_offset_reset="latest")
    begun = members.start(latest)
    latest.close(timeout_seconds=2.0)
    members.send(b"v3")
    again = members.start(members.member(auto_offset_reset="latest"))
    earliest = members.start(members.member(auto_offset_reset="earliest", group_id=f"{members.names.group}-other"))

    assert (3, 3, 0) == (begun, again, earliest)


def strangers_transaction(members: Members, value: bytes) -> KafkaProducer:
    """A message within a transaction that is still open."""
    stranger = KafkaProducer(bootstrap_servers=members.servers, transactional_id=f"{members.names.group}-stranger")
    stranger.init_transactions()
    stranger.begin_transaction()
    stranger.send(members.names.messages, value, partition=0).get(timeout=60)
    return stranger


@pytest.mark.parametrize("commits", [True, False], ids=["committed", "aborted"])
def test_messages_behind_an_open_transaction_wait_for_its_end(members, commits):
    members.send(b"before")
    stranger = strangers_transaction(members, b"within")
    members.send(b"after")
    member = members.member()
    members.start(member)

    before = values(read(member, count=1))
    meanwhile = values(read(member, count=1, seconds=1.5))
    (stranger.commit_transaction if commits else stranger.abort_transaction)()
    stranger.close(timeout=5)
    behind = values(read(member, count=2 if commits else 1))

    assert ([b"before"], []) == (before, meanwhile)
    assert ([b"within", b"after"] if commits else [b"after"]) == behind
    until(lambda: member.poll(max_records=1, timeout_seconds=0.2).lag == {members.partition: 0}, "lag 0")


def remake(members: Members) -> None:
    with members.admin() as admin:
        admin.delete_topics([members.names.messages])
        until(lambda: admin.describe_topics([members.names.messages])[0]["error_code"], "deleted")
    members.create()


def test_a_topic_made_anew_while_nobody_was_there_is_answered_afresh(members):
    """The broker forgets what a group has committed of a topic that is deleted."""
    members.send(b"v0", b"v1", b"v2")
    first = members.member()
    members.start(first)
    read(first, count=3)
    first.commit({members.partition: 3})
    first.close(timeout_seconds=2.0)

    remake(members)
    members.send(b"w0")
    second = members.member()

    assert 0 == members.start(second)
    assert [b"w0"] == values(read(second, count=1))


def test_a_topic_made_anew_under_a_worker_stops_it(members):
    members.send(b"v0", b"v1", b"v2")
    member = members.member()
    members.start(member)
    read(member, count=3)
    member.commit({members.partition: 3})

    remake(members)
    members.send(b"w0")

    with pytest.raises(LedgerError, match="another one of the same name"):
        go_on(member)
