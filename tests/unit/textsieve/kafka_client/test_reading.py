"""A topic is read to its end as the first fetch responses tell it."""

from dataclasses import dataclass, field

import pytest

from textsieve.kafka_client.reading import polls_to_end

A, B = "topic/0", "topic/1"


@dataclass
class Consumer:
    """Returns the next batches at each poll; `ends` is what the fetch responses say, poll by poll."""

    batches: list[dict[str, list[str]]]
    ends: list[dict[str, int]]
    assigned: list[str] = field(default_factory=list)
    positions: dict[str, int] = field(default_factory=dict)
    polls: int = 0

    def assign(self, partitions) -> None:
        self.assigned = list(partitions)

    def seek_to_beginning(self, *partitions) -> None:
        self.positions = dict.fromkeys(partitions, 0)

    def poll(self, timeout_ms):
        batch = self.batches[self.polls]
        self.polls += 1
        for partition, messages in batch.items():
            self.positions[partition] += len(messages)
        return batch

    def highwater(self, partition):
        return self.ends[self.polls - 1].get(partition)

    def position(self, partition, timeout_ms):
        return self.positions[partition]


def test_all_partitions_are_read_to_their_ends() -> None:
    consumer = Consumer([{A: ["a0"]}, {B: ["b0"], A: ["a1"]}], [{A: 2}, {A: 2, B: 1}])

    assert [["a0"], ["b0", "a1"]] == list(polls_to_end(consumer, [A, B], poll_ms=1))
    assert [A, B] == consumer.assigned


def test_what_comes_while_a_topic_is_read_is_not_waited_for() -> None:
    consumer = Consumer([{A: ["a0"]}, {A: ["a1"]}], [{A: 2}, {A: 9}])

    assert [["a0"], ["a1"]] == list(polls_to_end(consumer, [A], poll_ms=1))


def test_an_end_that_is_known_beforehand_counts_where_the_first_response_lags() -> None:
    consumer = Consumer([{A: ["a0"]}, {A: ["a1"]}], [{A: 1}, {A: 2}])

    assert [["a0"], ["a1"]] == list(polls_to_end(consumer, [A], poll_ms=1, ends={A: 2}))


def test_a_poll_that_brings_nothing_is_told_too() -> None:
    consumer = Consumer([{}, {}], [{}, {A: 0}])

    assert [[], []] == list(polls_to_end(consumer, [A], poll_ms=1))


@pytest.mark.parametrize("partitions", [[], [A]])
def test_an_empty_topic_has_no_messages(partitions) -> None:
    consumer = Consumer([{}], [{A: 0}])

    assert [] == [message for poll in polls_to_end(consumer, partitions, poll_ms=1) for message in poll]
