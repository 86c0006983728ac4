"""Dead letters become messages again where they are whole, each once."""

from collections import Counter
from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from tests.dead_letters import as_stored, dead_letter
from textsieve.worker.dead_letter_records import REPLAY_HEADER, parse_dead_letter, replay_ids
from textsieve.worker.records import Partition
from textsieve.worker.replays import ReplayPlan, make_plan, originals, to_original
from textsieve.worker.testing import MemoryLog

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def test_a_message_comes_back_as_it_was_with_its_replay_id(stored):
    found = parse_dead_letter(stored[0])
    assert found is not None

    message = to_original(found)

    assert ("in", b"k0", b"not json") == (message.topic, message.key, message.value)
    assert (("trace", b"abc"), (REPLAY_HEADER, b"in/0/0")) == message.headers


def test_a_tombstone_with_a_key_comes_back_as_a_tombstone(stored):
    found = parse_dead_letter(stored[2])
    assert found is not None

    assert (b"k3", None) == (to_original(found).key, to_original(found).value)


def test_a_second_failure_can_be_traced_to_the_first(make_worker, stored):
    first = parse_dead_letter(stored[0])
    assert first is not None
    log = MemoryLog({Partition("in", 0): [replace(to_original(first), topic="in", partition=0, offset=0)]})
    make_worker(log).turns(3)

    second = parse_dead_letter(as_stored(log.dead_letters)[0])

    assert second is not None
    assert ("in/0/0",) == second.replayed
    assert ("in/0/0", "in/0/0") == replay_ids(to_original(second))


def test_a_replay_id_tells_the_lives_of_a_topic_apart():
    assert dead_letter(topic_id="a").replay_id != dead_letter(topic_id="b").replay_id
    assert "in/0/7@a" == dead_letter(topic_id="a").replay_id


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        (dead_letter(headers=[("cut", "value")]), "cut"),
        (dead_letter(headers=[("redacted", "email=1")]), "cut"),
        (dead_letter(headers=[("null", "key,value")], key=None, value=b""), "null"),
        (dead_letter("elsewhere/0/7"), "foreign"),
    ],
)
def test_what_cannot_be_sent_as_it_was_is_counted_and_left(broken, why):
    made = make_plan([dead_letter("in/0/1"), broken], inputs=["in"])

    assert ["in/0/1"] == list(made.sendable)
    assert Counter({why: 1}) == made.refused


def test_the_same_letter_is_planned_once_and_sent_once():
    twice = [dead_letter("in/0/1"), dead_letter("in/0/1"), dead_letter("in/0/2")]

    made = make_plan(twice, inputs=["in"])

    assert Counter(repeated=1) == made.refused
    assert [b"in/0/1", b"in/0/2"] == [message.headers[-1][1] for message in originals(twice, made)]


def test_letters_that_came_after_the_plan_are_not_sent():
    made = make_plan([dead_letter("in/0/1")], inputs=["in"])

    assert 1 == len(list(originals([dead_letter("in/0/1"), dead_letter("in/0/9")], made)))


def test_what_an_earlier_replay_sent_is_left_out():
    made = make_plan([dead_letter("in/0/1"), dead_letter("in/0/2")], inputs=["in"]).without({"in/0/1"})

    assert ["in/0/2"] == list(made.sendable)
    assert Counter(replayed=1) == made.refused


def test_a_limit_takes_the_first_and_goes_on_with_the_next_in_another_run():
    made = make_plan([dead_letter("in/0/1"), dead_letter("in/0/2"), dead_letter("in/0/3")], inputs=["in"])

    assert ["in/0/1", "in/0/2"] == list(made.first(2).sendable)
    assert ["in/0/3"] == list(made.without(made.first(2).sendable).first(2).sendable)
    assert made == made.first(None)


def test_a_plan_says_how_many_go_where_for_which_reason():
    made = ReplayPlan({"a": ("in", "not_json"), "b": ("in", "not_json"), "c": ("more", "too_large")})

    assert {("in", "not_json"): 2, ("more", "too_large"): 1} == made.counts
    assert ("in", "more") == made.topics
