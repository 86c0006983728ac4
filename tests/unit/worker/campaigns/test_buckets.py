from textsieve.worker.campaigns.buckets import BurstWatch
from textsieve.worker.campaigns.bursts import HALF_LIFE_BUCKETS, Burst

PAST = HALF_LIFE_BUCKETS + 40


def looked(watch: BurstWatch, *, closed: int = 0) -> list[Burst]:
    """Close all buckets before one, then see what can be told of the others."""
    return [*watch.close_through(closed - 1), *watch.early()]


def experienced() -> BurstWatch:
    """A watch with a past in which one campaign always was."""
    watch = BurstWatch()
    for bucket in range(PAST):
        watch.observe(bucket, {"old": 5}, messages=100)
        assert not looked(watch, closed=bucket)
    looked(watch, closed=PAST)
    return watch


def test_a_new_campaign_is_told_before_its_bucket_is_closed() -> None:
    watch = experienced()
    watch.observe(PAST, {"new": 7}, messages=50)
    assert not looked(watch, closed=PAST)
    watch.observe(PAST + 1, {"new": 1}, messages=20)

    assert [("new", 8)] == [(burst.campaign, burst.count) for burst in looked(watch, closed=PAST)]


def test_a_known_campaign_waits_until_its_bucket_is_closed() -> None:
    watch = experienced()
    watch.observe(PAST, {"old": 95}, messages=100)

    assert not looked(watch, closed=PAST)
    assert ["old"] == [burst.campaign for burst in looked(watch, closed=PAST + 1)]


def test_open_buckets_far_apart_are_no_window() -> None:
    watch = experienced()
    watch.observe(PAST, {"new": 7}, messages=50)
    watch.observe(PAST + 3, {"new": 7}, messages=50)

    assert not looked(watch, closed=PAST)


def test_messages_of_a_closed_bucket_are_left_out() -> None:
    watch = experienced()
    watch.observe(PAST - 1, {"new": 50}, messages=60)

    assert not looked(watch, closed=PAST)


def test_the_order_in_which_messages_come_changes_nothing_that_is_learned() -> None:
    one, other = BurstWatch(), BurstWatch()
    for bucket in range(50):
        one.observe(bucket, {"old": bucket % 3}, messages=10)
        looked(one, closed=bucket)
    for bucket in reversed(range(50)):
        other.observe(bucket, {"old": bucket % 3}, messages=10)

    looked(one, closed=50)
    looked(other, closed=50)

    assert one.test.state() == other.test.state()


def test_a_watch_goes_on_where_another_one_was() -> None:
    watch = BurstWatch(experienced().test.state())
    watch.observe(PAST, {"new": 8}, messages=50)

    assert ["new"] == [burst.campaign for burst in looked(watch)]


def test_nothing_is_told_while_nothing_was_learned() -> None:
    watch = BurstWatch()
    watch.observe(0, {"new": 50}, messages=50)

    assert not looked(watch)
    assert not looked(watch, closed=10)
