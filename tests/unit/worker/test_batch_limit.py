"""An iteration takes what the measured rate allows, less after drops."""

from hypothesis import given
from hypothesis import strategies as st

from textsieve.worker.batch_limit import FIRST_BATCH, SMOOTHING, AdaptiveBatchLimit

actions = st.lists(
    st.one_of(
        st.tuples(st.just("finished"), st.integers(1, 10_000), st.floats(0, 100)),
        st.tuples(st.just("dropped")),
        st.tuples(st.just("committed")),
    ),
    max_size=60,
)


def test_before_anything_is_measured_a_batch_is_small():
    assert FIRST_BATCH == AdaptiveBatchLimit(1000, 1.0).limit()


def test_a_batch_takes_as_long_as_allowed_at_the_measured_rate():
    limit = AdaptiveBatchLimit(1000, max_seconds=2.0)

    limit.finished(messages=100, seconds=0.5)

    assert 400 == limit.limit()


def test_one_slow_iteration_moves_the_rate_by_its_weight():
    limit = AdaptiveBatchLimit(1000, max_seconds=1.0)
    limit.finished(messages=100, seconds=1.0)

    limit.finished(messages=200, seconds=1.0)

    assert 100 + SMOOTHING * 100 == limit.limit()


def test_a_batch_that_was_short_of_time_tells_the_rate_at_once():
    limit = AdaptiveBatchLimit(1000, max_seconds=1.0)
    limit.finished(messages=640, seconds=1.0)

    limit.finished(messages=8, seconds=1.0, short_of_time=True)

    assert 8 == limit.limit()


def test_a_batch_is_never_larger_than_asked_for():
    limit = AdaptiveBatchLimit(10, max_seconds=1.0)

    limit.finished(messages=10, seconds=0.0)

    assert 10 == limit.limit()


def test_the_slowest_model_still_gets_one_message():
    limit = AdaptiveBatchLimit(1000, max_seconds=1.0)

    limit.finished(messages=1, seconds=60.0)

    assert 1 == limit.limit()


def test_drops_halve_the_batch_down_to_a_single_message_and_say_when_it_was_one():
    limit = AdaptiveBatchLimit(8, max_seconds=1.0)

    found = [(limit.dropped(), limit.limit()) for _ in range(5)]

    assert [(False, 4), (False, 2), (False, 1), (True, 1), (True, 1)] == found


def test_commits_double_the_batch_until_nothing_is_left_of_the_drops():
    limit = AdaptiveBatchLimit(8, max_seconds=1.0)
    for _ in range(3):
        limit.dropped()

    found = [(limit.committed(), limit.limit())[1] for _ in range(4)]

    assert [2, 4, 8, 8] == found


def test_a_drop_after_recovery_starts_from_the_whole_batch():
    limit = AdaptiveBatchLimit(8, max_seconds=1.0)
    limit.dropped()
    limit.committed()

    limit.dropped()

    assert 4 == limit.limit()


@given(st.integers(1, 2000), actions)
def test_a_limit_is_always_between_one_and_the_most_allowed(most, done):
    limit = AdaptiveBatchLimit(most, max_seconds=1.0)

    for name, *arguments in done:
        getattr(limit, name)(**dict(zip(("messages", "seconds"), arguments, strict=False)))

        assert 1 <= limit.limit() <= most
