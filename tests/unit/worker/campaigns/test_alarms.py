from dataclasses import replace

import pytest

from textsieve.worker.campaigns.alarms import QUIET_BUCKETS, Alarm, AlarmBook
from textsieve.worker.campaigns.bursts import BUCKET_MS, Burst

BURST = Burst("c1", count=9, expected=0.3, p=1e-9)


def opened() -> AlarmBook:
    book = AlarmBook()
    book.found([BURST], bucket=102)
    return book


def test_a_burst_opens_an_alarm_that_tells_all_about_it() -> None:
    (alarm,) = AlarmBook().found([BURST], bucket=102)

    assert Alarm("c1/100", "open", "c1", 9, 0.3, pytest.approx(0.01), 1e-9, 100 * BUCKET_MS, 103 * BUCKET_MS) == alarm


def test_a_burst_that_goes_on_is_told_once() -> None:
    book = opened()

    assert [] == list(book.found([BURST], bucket=102))
    assert [] == list(book.found([BURST], bucket=103))


def test_an_alarm_is_told_again_when_its_campaign_has_doubled() -> None:
    book = opened()

    told = [book.closed(bucket, {"c1": 9}) for bucket in range(100, 105)]

    assert [[], [("grow", 18)], [], [("grow", 36)], []] == [
        [(alarm.state, alarm.size) for alarm in alarms] for alarms in told
    ]
    assert {"c1/100"} == {alarm.id for alarms in told for alarm in alarms}


def test_an_alarm_of_a_closed_window_has_the_messages_of_its_first_buckets() -> None:
    book = AlarmBook()
    (alarm,) = book.found([replace(BURST, count=36)], bucket=102, closing={"c1": 12})

    told = [book.closed(bucket, {"c1": 12}) for bucket in range(102, 106)]

    assert 36 == alarm.size
    assert [[], [], [], [("grow", 72)]] == [[(alarm.state, alarm.size) for alarm in alarms] for alarms in told]


def test_messages_before_the_onset_are_not_counted() -> None:
    book = opened()
    book.closed(99, {"c1": 100})

    assert [0] == [held.size for held in book.alarms]


def test_an_alarm_is_over_after_two_quiet_minutes() -> None:
    book = opened()
    for bucket in range(100, 103):
        book.closed(bucket, {"c1": 3})
    for bucket in range(103, 102 + QUIET_BUCKETS):
        assert not book.closed(bucket, {"c1": int(bucket == 105)})

    (alarm,) = book.closed(102 + QUIET_BUCKETS, {})

    assert ("closed", 10, 0.0) == (alarm.state, alarm.size, alarm.rate)
    assert 106 * BUCKET_MS == alarm.last_seen_ms
    assert [] == list(book.alarms)


def test_a_campaign_that_goes_on_keeps_its_alarm_open() -> None:
    book = opened()
    for bucket in range(100, 100 + 5 * QUIET_BUCKETS):
        assert all(alarm.state == "grow" for alarm in book.closed(bucket, {"c1": 4}))

    assert 1 == len(book.alarms)


def test_a_book_goes_on_where_another_one_was() -> None:
    book = AlarmBook(opened().alarms)

    assert [] == list(book.found([BURST], bucket=102))
    assert ["grow"] == [alarm.state for alarm in book.closed(101, {"c1": 20})]


def test_a_campaign_that_bursts_again_later_has_another_alarm() -> None:
    book = opened()
    for bucket in range(100, 103 + QUIET_BUCKETS):
        book.closed(bucket, {})

    (alarm,) = book.found([BURST], bucket=500)

    assert ("open", "c1/498") == (alarm.state, alarm.id)
