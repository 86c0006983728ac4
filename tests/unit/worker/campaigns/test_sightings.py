from textsieve.worker.campaigns.notes import SAMPLES, Notes
from textsieve.worker.campaigns.sightings import MAX_CAMPAIGNS, Sightings
from textsieve.worker.records import Partition, Record


def record(offset: int, *, key: bytes | None = b"anna", timestamp_ms: int = 5) -> Record:
    return Record("in", 0, offset, key, b"", timestamp_ms)


def test_what_was_seen_is_taken_once() -> None:
    sightings = Sightings()
    sightings.add([record(0), record(1, key=None), record(2)], ["one", "two", "other"], ["c1", "c1", None])

    assert {"c1": Notes(frozenset({b"anna"}), ("one", "two"))} == sightings.taken()
    assert {} == sightings.taken()


def test_the_largest_event_time_of_a_partition_stays() -> None:
    sightings = Sightings()
    sightings.add([record(0, timestamp_ms=9), record(1, timestamp_ms=7)], ["", ""], [None, None])

    assert {Partition("in", 0): 9} == sightings.latest_ms()


def test_messages_without_a_timestamp_tell_no_time() -> None:
    sightings = Sightings()
    sightings.add([record(0, timestamp_ms=-1)], [""], [None])

    assert {} == sightings.latest_ms()


def test_what_is_kept_is_bounded() -> None:
    sightings = Sightings()
    ids = [f"c{number}" for number in range(MAX_CAMPAIGNS + 5)]
    sightings.add([record(number) for number in range(len(ids))], ["text"] * len(ids), ids)
    sightings.add([record(number) for number in range(9)], [f"text {number}" for number in range(9)], ["c1"] * 9)

    taken = sightings.taken()
    assert MAX_CAMPAIGNS == len(taken)
    assert SAMPLES == len(taken["c1"].samples)
