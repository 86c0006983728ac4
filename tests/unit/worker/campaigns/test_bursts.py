import numpy as np
import pytest
from scipy.stats import nbinom

from textsieve.worker.campaigns.bursts import HALF_LIFE_BUCKETS, MAX_CAMPAIGNS, WINDOW_BUCKETS, Burst, BurstTest, tail


def learned(counts: dict[str, int] | None = None, *, messages: int = 100, buckets: int = 400) -> BurstTest:
    """A test that has closed buckets that are all alike."""
    test = BurstTest()
    for bucket in range(buckets):
        assert not test.close(bucket, counts or {}, messages=messages)
    return test


@pytest.mark.parametrize(("count", "mean", "shape"), [(8, 0.01, 0.5), (40, 10.0, 5.0), (1, 2.0, 1.0), (300, 50.0, 3.0)])
def test_the_tail_is_that_of_a_negative_binomial(count: int, mean: float, shape: float) -> None:
    assert nbinom.sf(count - 1, shape, shape / (shape + mean)) == pytest.approx(
        tail(count, mean=mean, shape=shape), rel=1e-8
    )


def test_a_new_campaign_of_eight_messages_is_a_burst() -> None:
    bursts = learned().close(400, {"new": 8}, messages=100)

    assert ["new"] == [burst.campaign for burst in bursts]
    assert 8 == bursts[0].count
    assert bursts[0].p < 1e-6


def test_seven_messages_are_none() -> None:
    assert not learned().close(400, {"new": 7}, messages=100)


def test_the_messages_of_three_buckets_count_together() -> None:
    test = learned()

    assert not test.close(400, {"new": 3}, messages=100)
    assert not test.close(401, {"new": 3}, messages=100)
    assert [8] == [burst.count for burst in test.close(402, {"new": 2}, messages=100)]
    assert not test.close(403, {"new": 2}, messages=100)


def test_a_campaign_that_always_was_is_none() -> None:
    assert not learned({"old": 10}).close(400, {"old": 12}, messages=100)


def test_a_campaign_three_times_as_large_as_ever_is_one_only_if_that_is_rare() -> None:
    assert not learned({"old": 10}).close(400, {"old": 60}, messages=100)
    assert learned({"old": 10}, messages=1000).close(400, {"old": 400}, messages=1000)


def test_more_of_everything_is_none() -> None:
    assert not learned({"old": 10}).close(400, {"old": 1000}, messages=10_000)


def test_nothing_is_a_burst_in_the_first_half_life() -> None:
    test = learned(buckets=HALF_LIFE_BUCKETS - 1)

    assert not test.close(HALF_LIFE_BUCKETS - 1, {"new": 50}, messages=100)
    assert test.close(HALF_LIFE_BUCKETS, {"new": 50}, messages=100)


def test_buckets_that_are_left_out_were_empty() -> None:
    one, other = learned({"old": 3}), learned({"old": 3})
    for bucket in range(400, 500):
        one.close(bucket, {}, messages=0)

    one.close(500, {"old": 1}, messages=10)
    other.close(500, {"old": 1}, messages=10)

    assert one.expected("old", 100) == pytest.approx(other.expected("old", 100))
    assert one.state().window == other.state().window
    assert one.state().closed == other.state().closed


def test_a_campaign_that_stays_becomes_its_own_past() -> None:
    test = learned()
    found = [bool(test.close(bucket, {"new": 20}, messages=120)) for bucket in range(400, 1400)]

    assert found[0]
    assert not any(found[60:])


def test_a_campaign_long_gone_is_forgotten() -> None:
    test = learned({"old": 10})
    test.close(400 + 20 * HALF_LIFE_BUCKETS, {}, messages=100)

    assert {} == test.state().alphas


def test_the_past_of_so_many_campaigns_is_kept_the_largest_ones() -> None:
    test = BurstTest()
    for bucket in range(WINDOW_BUCKETS + 3):
        test.close(bucket, {"old": 3, **{f"{bucket} {number}": 1 for number in range(MAX_CAMPAIGNS // 2)}}, messages=9)

    alphas = test.state().alphas
    assert MAX_CAMPAIGNS == len(alphas)
    assert "old" in alphas


def test_a_restored_test_goes_on_as_if_nothing_had_been() -> None:
    rng = np.random.default_rng(5)
    test = learned({"old": 3}, buckets=380)
    other = BurstTest.restored(test.state())

    for bucket in range(380, 480):
        counts = {"old": int(rng.poisson(3)), "new": int(bucket > 470) * 9}
        assert test.close(bucket, counts, messages=100) == other.close(bucket, counts, messages=100)
    assert test.state() == other.state()


def test_a_bucket_that_was_closed_is_refused() -> None:
    test = learned(buckets=5)

    with pytest.raises(ValueError, match="expected bucket 5 or a later one, got 4"):
        test.close(4, {}, messages=0)


def test_a_burst_tells_what_was_to_be_expected() -> None:
    [burst] = learned({"old": 2}, messages=100_000).close(400, {"old": 100}, messages=100_000)

    assert 6 == pytest.approx(burst.expected, rel=0.3)
    assert Burst("old", 104, burst.expected, burst.p) == burst
