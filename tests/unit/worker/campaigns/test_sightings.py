from textsieve.worker.campaigns.notes import SAMPLES, Notes
from textsieve.worker.campaigns.sightings import MAX_CAMPAIGNS, MAX_CHARACTERS, MAX_SAMPLED, SAMPLED_SECONDS, Sightings
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


def test_the_least_event_time_may_be_zero() -> None:
    sightings = Sightings()
    sightings.add([record(0, timestamp_ms=0), record(1, timestamp_ms=7)], ["", ""], [None, None])

    assert 0 == sightings.earliest_ms


def test_what_is_kept_is_bounded() -> None:
    sightings = Sightings()
    ids = [f"c{number}" for number in range(MAX_CAMPAIGNS + 5)]
    sightings.add([record(number) for number in range(len(ids))], ["text"] * len(ids), ids)
    sightings.add([record(number) for number in range(9)], [f"text {number}" for number in range(9)], ["c1"] * 9)

    taken = sightings.taken()
    assert MAX_CAMPAIGNS == len(taken)
    assert SAMPLES == len(taken["c1"].samples)


def test_a_long_text_is_cut() -> None:
    sightings = Sightings()
    sightings.add([record(0)], ["x" * 256_000], ["c1"])

    assert ("x" * MAX_CHARACTERS,) == sightings.taken()["c1"].samples


def test_a_campaign_whose_samples_were_taken_has_no_more_for_a_while() -> None:
    now = [0.0]
    sightings = Sightings(lambda: now[0])
    taken = []
    for seconds in (1.0, 1.0, SAMPLED_SECONDS - 2, 1.0, 1.0):
        sightings.add([record(0), record(1)], ["one", "two"], ["c1", "c1"])
        taken.append(sightings.taken()["c1"].samples)
        now[0] += seconds

    assert [("one", "two"), ("one",), (), (), ("one", "two")] == taken


def test_the_campaigns_whose_samples_were_taken_are_bounded() -> None:
    sightings = Sightings(lambda: 0.0)
    for first in range(0, MAX_SAMPLED + 2 * MAX_CAMPAIGNS, MAX_CAMPAIGNS):
        ids = [f"c{number}" for number in range(first, first + MAX_CAMPAIGNS)]
        for _ in range(SAMPLES):
            sightings.add([record(0)] * len(ids), ["text"] * len(ids), ids)
            sightings.taken()
    sightings.add([record(0), record(0)], ["text", "text"], ["c0", ids[-1]])

    assert {"c0": ("text",), ids[-1]: ()} == {name: one.samples for name, one in sightings.taken().items()}


def test_what_could_not_be_shared_is_taken_again_with_what_was_seen_since() -> None:
    sightings = Sightings()
    sightings.add([record(0), record(1)], ["one", "two"], ["c1", "c2"])
    lost = sightings.taken()
    sightings.add([record(2, key=b"ben")], ["three"], ["c1"])

    sightings.put_back(lost)

    assert {
        "c1": Notes(frozenset({b"anna", b"ben"}), ("one", "three")),
        "c2": Notes(frozenset({b"anna"}), ("two",)),
    } == sightings.taken()


def test_what_is_put_back_is_bounded() -> None:
    sightings = Sightings()
    ids = [f"c{number}" for number in range(MAX_CAMPAIGNS)]
    sightings.add([record(0)] * len(ids), ["text"] * len(ids), ids)
    lost = sightings.taken()
    sightings.add([record(0)], ["text"], ["new"])

    sightings.put_back(lost)

    assert ["new", *ids[:-1]] == list(sightings.taken())
