from collections import Counter

import pytest
from kafka.errors import KafkaTimeoutError, MessageSizeTooLargeError

from textsieve.producer.messages import Message
from textsieve.producer.publisher import Publisher


class Future:
    """Acked, or failed with `error`, once it is asked or `is_done`."""

    def __init__(self, error=None, *, is_done=False):
        self.is_done = is_done
        self._error = error

    def get(self, _timeout_seconds):
        self.is_done = True
        if self._error is not None:
            raise self._error


class Client:
    """Takes every message; `fates` maps values to the error that their future raises."""

    def __init__(self, fates=None, *, refusals=None, is_quick=False):
        self.futures = []
        self.partitions = []
        self.keys = []
        self.most_in_flight = 0
        self._fates = fates or {}
        self._refusals = refusals or {}
        self._is_quick = is_quick

    def send(self, _topic, value, key, _headers, partition):
        if value in self._refusals:
            raise self._refusals[value]
        self.partitions.append(partition)
        self.keys.append(key)
        self.futures.append(Future(self._fates.get(value), is_done=self._is_quick))
        self.most_in_flight = max(self.most_in_flight, sum(not future.is_done for future in self.futures))
        return self.futures[-1]


def publisher(client, *, on_failure=pytest.fail, **bounds):
    return Publisher(client, topic="messages", partitions=[0, 1, 2], on_failure=on_failure, **bounds)


def send_all(target, messages):
    for message in messages:
        target.send(message)
    target.settle()


def numbered(count):
    return [Message(None, b"%d" % number, origin=f"row {number}") for number in range(count)]


def test_every_message_is_sent_and_its_ack_counted():
    target = publisher(Client())

    send_all(target, numbered(10))

    assert (target.sent, target.acked, target.failed, target.fault) == (10, 10, 0, None)


def test_messages_without_a_key_are_spread_evenly_however_few_they_are():
    client = Client()

    send_all(publisher(client), numbered(9))

    assert Counter(client.partitions) == {0: 3, 1: 3, 2: 3}


def test_the_key_decides_about_the_partition_of_a_message_that_has_one():
    client = Client()

    send_all(publisher(client), [Message(b"ann", b"hello")])

    assert (client.keys, client.partitions) == ([b"ann"], [None])


@pytest.mark.parametrize("bounds", [{"max_in_flight": 3}, {"max_in_flight_bytes": 3}])
def test_no_more_than_the_bound_waits_for_acks(bounds):
    client = Client()

    send_all(publisher(client, **bounds), numbered(10))

    assert client.most_in_flight == 3


def test_a_message_larger_than_the_bound_goes_alone():
    client = Client()

    send_all(publisher(client, max_in_flight_bytes=3), [*numbered(2), Message(None, b"12345"), *numbered(2)])

    assert len(client.futures) == 5


def test_acks_that_are_there_are_counted_without_waiting_for_the_bound():
    target = publisher(Client(is_quick=True))

    for message in numbered(10):
        target.send(message)

    assert target.acked == 9


def test_a_message_that_is_refused_for_itself_is_told_and_the_rest_goes_on():
    failures = []
    client = Client({b"1": MessageSizeTooLargeError()}, refusals={b"2": MessageSizeTooLargeError("2 MB")})
    target = publisher(client, on_failure=failures.append)

    send_all(target, numbered(5))

    assert (target.sent, target.acked, target.failed, target.fault) == (5, 3, 2, None)
    assert sorted(failure.split(":")[0] for failure in failures) == ["row 1", "row 2"]


def test_a_lost_broker_is_a_fault_and_not_told_for_every_message():
    lost = dict.fromkeys((b"3", b"4"), KafkaTimeoutError("30 s"))
    target = publisher(Client(lost))

    send_all(target, numbered(5))

    assert (target.acked, target.failed) == (3, 2)
    assert "30 s" in target.fault
