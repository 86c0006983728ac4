"""What a batch had no time for comes next, in its order, and is forgotten when the stream begins again."""

from hypothesis import given
from hypothesis import strategies as st

from textsieve.worker.backlog import MAX_BATCH_BYTES, Backlog
from textsieve.worker.records import Partition, Record
from textsieve.worker.streams import Poll

FIRST, SECOND = Partition("in", 0), Partition("in", 1)


def poll(*counts, value=b"x", start=0):
    return Poll(
        {
            Partition("in", number): [Record("in", number, start + offset, None, value, 0) for offset in range(count)]
            for number, count in enumerate(counts)
            if count
        }
    )


def offsets(polled):
    return {partition: [record.offset for record in records] for partition, records in polled.batches.items()}


def test_a_poll_that_fits_is_a_batch_as_it_is():
    backlog, polled = Backlog(), poll(3, 2)

    batch = backlog.cut(polled, 10)

    assert (polled, 7) == (batch, backlog.room(7))


def test_what_does_not_fit_comes_next_and_nothing_is_asked_for_meanwhile():
    backlog = Backlog()

    batch = backlog.cut(poll(3, 2), 4)

    assert {FIRST: [0, 1, 2], SECOND: [0]} == offsets(batch)
    assert 0 == backlog.room(10)
    assert {SECOND: [1]} == offsets(backlog.cut(Poll(), 4))
    assert 10 == backlog.room(10)


def test_what_was_not_answered_comes_before_what_was_kept():
    backlog = Backlog()
    batch = backlog.cut(poll(6), 4)

    answered = backlog.keep_rest(batch, 1)

    assert {FIRST: [0]} == offsets(answered)
    assert {FIRST: [1, 2, 3, 4, 5]} == offsets(backlog.cut(Poll(), 10))


def test_a_new_generation_makes_what_was_kept_worthless():
    backlog = Backlog()
    backlog.cut(poll(6), 4)

    moved = backlog.cut(Poll(reassigned=True), 4)
    forgotten = backlog.clear()

    assert (0, 2) == (len(moved), forgotten)
    assert not backlog.cut(Poll(), 4).batches


def test_a_paused_loop_keeps_what_it_has():
    backlog = Backlog()
    backlog.cut(poll(6), 4)

    paused = backlog.cut(Poll(), 0)

    assert not paused.batches
    assert {FIRST: [4, 5]} == offsets(backlog.cut(Poll(), 4))


def test_a_batch_of_long_values_is_bounded_by_their_bytes():
    value = b"x" * (MAX_BATCH_BYTES // 4)

    batch = Backlog().cut(poll(10, value=value), 100)

    assert 4 == len(batch)


def test_a_value_beyond_the_bound_is_a_batch_of_its_own():
    batch = Backlog().cut(poll(3, value=b"x" * (MAX_BATCH_BYTES + 1)), 100)

    assert 1 == len(batch)


@given(
    st.lists(st.integers(0, 12), min_size=1, max_size=4),
    st.lists(st.tuples(st.integers(1, 9), st.integers(0, 9)), max_size=40),
)
def test_every_message_is_handed_out_once_and_in_order(counts, steps):
    backlog, fresh, handed = Backlog(), poll(*counts), []

    for wanted, unanswered in [*steps, (100, 0)]:
        polled = fresh if backlog.room(wanted) else Poll()
        fresh = Poll() if backlog.room(wanted) else fresh
        batch = backlog.cut(polled, wanted)
        handed += backlog.keep_rest(batch, max(0, len(batch) - unanswered)).records
    handed += backlog.cut(fresh, 100).records

    for number, count in enumerate(counts):
        assert list(range(count)) == [record.offset for record in handed if record.partition == number]
