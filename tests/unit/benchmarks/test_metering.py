"""What the loop tells metrics can be timed over a stream in memory."""

from benchmarks.speed.metering import BATCH, microseconds_per_message


def test_metrics_take_some_time_of_every_message():
    values = [b'{"id": "m%d", "text": "message %d"}' % (number, number) for number in range(2 * BATCH)]

    spread = microseconds_per_message(values, rounds=1)

    assert spread.median > 0
