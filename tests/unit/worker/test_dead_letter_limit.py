"""A bad deploy stops the worker before it drains a topic; a bad message does not."""

from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from textsieve.worker.dead_letter_limit import DeadLetterLimit
from textsieve.worker.errors import WorkerStopped


def limit(*, max_ratio: float = 1.0, window: int = 10, max_consecutive: int = 10**9) -> DeadLetterLimit:
    return DeadLetterLimit(max_ratio, window, max_consecutive)


def stops(given_limit: DeadLetterLimit, batches: list[list[bool]]) -> bool:
    """Whether publishing these batches one after another would stop the worker."""
    try:
        for batch in batches:
            given_limit.check(batch)
            given_limit.count(batch)
    except WorkerStopped:
        return True
    return False


def test_just_as_many_in_a_row_as_allowed_are_published():
    limit(max_consecutive=3).check([True, True, True])


def test_one_more_in_a_row_than_allowed_stops_the_worker():
    with pytest.raises(WorkerStopped, match=r"at most 3 dead letters in a row \(dead_letters.max_consecutive\)"):
        limit(max_consecutive=3).check([True] * 4)


def test_a_row_goes_on_from_one_batch_to_the_next():
    assert stops(limit(max_consecutive=3), [[True, True], [], [True, True]])


def test_a_good_message_ends_a_row():
    assert not stops(limit(max_consecutive=3), [[True, True, True], [False, True, True, True]])


def test_a_batch_that_is_dropped_and_read_again_is_not_counted_twice():
    patient = limit(max_ratio=0.5, window=4, max_consecutive=3)

    for _ in range(10):
        patient.check([True, True])


def test_just_as_large_a_share_as_allowed_is_published():
    limit(max_ratio=0.5, window=10).check([True] * 5 + [False] * 5)


def test_a_larger_share_than_allowed_stops_the_worker():
    with pytest.raises(WorkerStopped, match=r"at most 50% dead letters in 10 messages \(dead_letters.max_ratio\)"):
        limit(max_ratio=0.5, window=10).check([True] * 6 + [False] * 4)


def test_a_share_is_taken_over_full_windows_alone():
    limit(max_ratio=0.1, window=10).check([True] * 9)


def test_what_is_older_than_the_window_no_longer_counts():
    assert not stops(limit(max_ratio=0.5, window=4), [[True, True], [False, False]] * 10)


def test_a_ratio_of_one_never_stops():
    limit(max_ratio=1.0, window=10).check([True] * 1000)


@given(st.lists(st.lists(st.booleans(), max_size=8), max_size=12), st.integers(1, 4), st.sampled_from([0.25, 0.5, 1.0]))
def test_a_worker_stops_exactly_when_a_row_or_the_window_behind_a_batch_is_too_bad(batches, max_consecutive, max_ratio):
    window = 6
    flags = [flag for batch in batches for flag in batch]
    ends = [end for end, batch in zip(accumulate(map(len, batches)), batches, strict=True) if any(batch)]
    rows = [flags[i : i + max_consecutive + 1] for i in range(len(flags) - max_consecutive)]
    windows = [flags[end - window : end] for end in ends if end >= window]
    too_bad = any(all(row) for row in rows) or any(sum(part) > max_ratio * window for part in windows)

    stopped = stops(limit(max_ratio=max_ratio, window=window, max_consecutive=max_consecutive), batches)

    assert too_bad == stopped
