from textsieve.worker.campaigns.watermark import IDLE_MS, LATENESS_MS, MAX_LAG_MS, PartitionTime, observed, watermark
from textsieve.worker.records import Partition

LEFT, RIGHT = Partition("in", 0), Partition("in", 1)
NOW = 1_000_000


def test_nothing_is_known_before_the_first_message() -> None:
    assert watermark({}, now_ms=NOW) is None


def test_the_slowest_active_partition_holds_the_watermark() -> None:
    partitions = observed({}, {LEFT: 500_000, RIGHT: 400_000}, now_ms=NOW)

    assert 400_000 - LATENESS_MS == watermark(partitions, now_ms=NOW)


def test_a_partition_holds_the_others_up_for_half_an_hour_at_most() -> None:
    partitions = observed({}, {LEFT: 9_000_000, RIGHT: 400_000}, now_ms=NOW)

    assert 9_000_000 - MAX_LAG_MS - LATENESS_MS == watermark(partitions, now_ms=NOW)


def test_an_idle_partition_holds_nobody_up() -> None:
    partitions = observed({}, {LEFT: 400_000}, now_ms=NOW - IDLE_MS)
    partitions = observed(partitions, {RIGHT: 500_000}, now_ms=NOW)

    assert 500_000 - LATENESS_MS == watermark(partitions, now_ms=NOW)


def test_a_stream_at_rest_holds_nothing_back() -> None:
    partitions = observed({}, {LEFT: 500_000, RIGHT: 400_000}, now_ms=NOW)

    assert 500_000 == watermark(partitions, now_ms=NOW + IDLE_MS)


def test_an_older_message_does_not_take_the_time_back() -> None:
    partitions = observed({}, {LEFT: 500_000}, now_ms=NOW)

    assert {LEFT: PartitionTime(500_000, NOW + 1)} == observed(partitions, {LEFT: 300_000}, now_ms=NOW + 1)
