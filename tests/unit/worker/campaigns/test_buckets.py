from textsieve.worker.campaigns.buckets import BurstWatch
from textsieve.worker.campaigns.bursts import BUCKET_MS, HALF_LIFE_BUCKETS

PAST = HALF_LIFE_BUCKETS + 40


def experienced() -> BurstWatch:
    """A watch with a past in which one campaign always was."""
    watch = BurstWatch()
    for bucket in range(PAST):
        watch.observe(bucket, {"old": 5}, messages=100)
        assert not watch.advance(bucket * BUCKET_MS)
    watch.advance(PAST * BUCKET_MS)
    return watch


def test_a_new_campaign_is_told_before_its_bucket_is_closed() -> None:
    watch = experienced()
    watch.observe(PAST, {"new": 7}, messages=50)
    assert not watch.advance(PAST * BUCKET_MS)
    watch.observe(PAST + 1, {"new": 1}, messages=20)

    assert [("new", 8)] == [(burst.campaign, burst.count) for burst in watch.advance(PAST * BUCKET_MS)]


def test_a_known_campaign_waits_until_its_bucket_is_closed() -> None:
    watch = experienced()
    watch.observe(PAST, {"old": 95}, messages=100)

    assert not watch.advance((PAST + 1) * BUCKET_MS - 1)
    assert ["old"] == [burst.campaign for burst in watch.advance((PAST + 1) * BUCKET_MS)]


def test_open_buckets_far_apart_are_no_window() -> None:
    watch = experienced()
    watch.observe(PAST, {"new": 7}, messages=50)
    watch.observe(PAST + 3, {"new": 7}, messages=50)

    assert not watch.advance(PAST * BUCKET_MS)


def test_messages_of_a_closed_bucket_are_left_out_and_counted() -> None:
    watch = experienced()
    watch.observe(PAST - 1, {"new": 50}, messages=60)

    assert not watch.advance(PAST * BUCKET_MS)
    assert 60 == watch.late


def test_the_order_in_which_messages_come_changes_nothing_that_is_learned() -> None:
    one, other = BurstWatch(), BurstWatch()
    for bucket in range(50):
        one.observe(bucket, {"old": bucket % 3}, messages=10)
        one.advance(bucket * BUCKET_MS)
    for bucket in reversed(range(50)):
        other.observe(bucket, {"old": bucket % 3}, messages=10)

    one.advance(50 * BUCKET_MS)
    other.advance(50 * BUCKET_MS)

    assert one.test.state() == other.test.state()


def test_a_watch_goes_on_where_another_one_was() -> None:
    watch = BurstWatch(experienced().test.state())
    watch.observe(PAST, {"new": 8}, messages=50)

    assert ["new"] == [burst.campaign for burst in watch.advance(None)]


def test_nothing_is_told_while_nothing_was_learned() -> None:
    watch = BurstWatch()
    watch.observe(0, {"new": 50}, messages=50)

    assert not watch.advance(None)
    assert not watch.advance(10 * BUCKET_MS)
