"""Failures in a row are over once what failed is behind a commit."""

from random import Random

import pytest

from textsieve.worker.failures import MAX_BACKOFF_SECONDS, Failures, backoff_seconds
from textsieve.worker.records import Partition

P0, P1 = Partition("in", 0), Partition("in", 1)


@pytest.mark.parametrize(("committed", "over"), [({P0: 9}, False), ({P0: 10}, True), ({P1: 99}, True), ({}, True)])
def test_a_batch_that_failed_is_over_once_the_group_has_committed_past_it(committed, over):
    failures = Failures(count=3, since=1.0, batch={P0: 10})

    assert over == failures.end(committed)
    assert (0 if over else 3) == failures.count


def test_the_time_of_failing_begins_with_the_first_and_again_after_the_end():
    failures = Failures()

    before = [failures.seconds_since(now) for now in (10.0, 14.0)]
    failures.end({})

    assert ([0.0, 4.0], 0.0) == (before, failures.seconds_since(20.0))


@pytest.mark.parametrize(("failures", "most"), [(1, 0.2), (2, 0.4), (5, 3.2), (6, MAX_BACKOFF_SECONDS), (10**6, 5.0)])
def test_a_wait_doubles_with_every_failure_up_to_a_bound_and_is_jittered(failures, most):
    waits = [backoff_seconds(failures, Random(seed)) for seed in range(100)]

    assert most / 2 <= min(waits) < max(waits) <= most
