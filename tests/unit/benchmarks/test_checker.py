"""The judge of a chaos run: each fault is seen, and nothing else is."""

import pytest

from benchmarks.chaos.checker import InputMessage, OutputMessage, SourceOffset, StoreState, Verdict, check

KEY = b"k1"
STREAM = {SourceOffset(0, offset): InputMessage(KEY, f"m-{offset}") for offset in range(6)} | {
    SourceOffset(0, 6): InputMessage(KEY, None)
}
MARKS = {0: 7}


def result(offset: int, **more) -> OutputMessage:
    place = SourceOffset(0, offset)
    return OutputMessage(
        **{"source": place, "partition": 0, "key": KEY, "id": f"m-{offset}", "result_id": f"in/0/{offset}"} | more
    )


def letter(offset: int, **more) -> OutputMessage:
    return OutputMessage(**{"source": SourceOffset(0, offset), "partition": 0, "key": KEY} | more)


RESULTS = [result(offset) for offset in range(6)]
LETTERS = [letter(6)]
COUNTED = StoreState(learned=6, weight=6.0, marks=MARKS)
ALL = {0: 7}  # committed


def test_a_stream_answered_once_and_counted_once_is_good():
    verdict = check(STREAM, RESULTS, LETTERS, COUNTED, committed=ALL)

    assert Verdict(inputs=7, results=6, dead_letters=1) == verdict
    assert verdict.is_good


@pytest.mark.parametrize(
    ("results", "letters", "fault"),
    [
        (RESULTS[1:], LETTERS, {"lost": 1}),
        (RESULTS, [], {"lost": 1}),
        ([*RESULTS, RESULTS[2]], LETTERS, {"duplicates": 1}),
        (RESULTS, [*LETTERS, *LETTERS], {"duplicates": 1}),
        (RESULTS, [*LETTERS, letter(2)], {"answered_twofold": 1, "misjudged": 1}),
        (RESULTS[:5], [*LETTERS, letter(5)], {"misjudged": 1}),
        ([*RESULTS, result(6, id=None)], [], {"misjudged": 1}),
        ([*RESULTS, result(9)], LETTERS, {"strange": 1}),
        ([*RESULTS, result(0, source=None)], LETTERS, {"strange": 1}),
        ([result(0, partition=1), *RESULTS[1:]], LETTERS, {"strange": 1}),
        ([result(0, key=b"k2"), *RESULTS[1:]], LETTERS, {"strange": 1}),
        ([result(0, id="m-5"), *RESULTS[1:]], LETTERS, {"strange": 1}),
        ([*RESULTS, result(2, result_id="another")], LETTERS, {"duplicates": 1, "renamed": 1}),
        ([RESULTS[1], RESULTS[0], *RESULTS[2:]], LETTERS, {"reordered": 1}),
    ],
)
def test_each_fault_is_seen_and_named(results, letters, fault):
    verdict = check(STREAM, results, letters, COUNTED, committed=ALL)

    named = {
        name: getattr(verdict, name)
        for name in Verdict.__slots__
        if name not in {"inputs", "results", "dead_letters", "miscounted"}
    }
    assert fault == {name: count for name, count in named.items() if count}


def test_a_repeat_does_not_count_as_reordered():
    verdict = check(STREAM, [*RESULTS, RESULTS[0]], LETTERS, COUNTED, committed=ALL)

    assert 0 == verdict.reordered


def test_only_results_of_one_key_must_keep_their_order():
    stream = {SourceOffset(0, 0): InputMessage(b"a", "m-0"), SourceOffset(0, 1): InputMessage(b"b", "m-1")}
    results = [result(1, key=b"b"), result(0, key=b"a")]

    assert 0 == check(stream, results, [], StoreState(2, 2.0, {0: 2}), committed={0: 2}).reordered


@pytest.mark.parametrize(
    ("counted", "miscounted"),
    [
        (StoreState(learned=5, weight=5.0, marks=MARKS), 1),
        (StoreState(learned=7, weight=7.0, marks=MARKS), 1),
        (StoreState(learned=6, weight=8.0, marks=MARKS), 2),
        (StoreState(learned=6, weight=6.0, marks={0: 4}), 3),
        (StoreState(learned=0, weight=0.0, marks={}), 13),
    ],
)
def test_what_the_store_counted_must_be_what_was_published(counted, miscounted):
    verdict = check(STREAM, RESULTS, LETTERS, counted, committed=ALL)

    assert miscounted == verdict.miscounted
    assert not verdict.is_good


@pytest.mark.parametrize("learned", [3, 4])
def test_what_the_group_has_not_committed_is_pending_and_neither_lost_nor_miscounted(learned):
    """A run once said "lost 1600": its workers had been held up, and nobody had come to those messages yet."""
    counted = StoreState(learned=learned, weight=learned, marks={0: 3})

    verdict = check(STREAM, RESULTS[:4], [], counted, committed={0: 3})

    assert Verdict(inputs=7, results=4, pending=4) == verdict
    assert not verdict.is_good


def test_a_message_that_the_group_is_past_is_lost_however_many_are_pending():
    counted = StoreState(learned=2, weight=2.0, marks={0: 3})

    verdict = check(STREAM, [RESULTS[0], RESULTS[2]], [], counted, committed={0: 3})

    assert Verdict(inputs=7, results=2, lost=1, pending=4) == verdict


@pytest.mark.parametrize(("learned", "miscounted"), [(2, 1), (5, 1)])
def test_what_is_committed_is_counted_even_where_more_is_pending(learned, miscounted):
    counted = StoreState(learned=learned, weight=learned, marks={0: 3})

    assert miscounted == check(STREAM, RESULTS[:4], [], counted, committed={0: 3}).miscounted


def test_a_message_published_twice_is_to_be_counted_once():
    assert 0 == check(STREAM, [*RESULTS, RESULTS[0]], LETTERS, COUNTED, committed=ALL).miscounted


def test_every_fault_but_disorder_breaks_the_promise():
    faults = set(Verdict.__slots__) - {"inputs", "results", "dead_letters"}

    assert {"reordered"} == {name for name in faults if Verdict(**{name: 1}).is_good}


def test_verdicts_add_up():
    assert Verdict(inputs=3, lost=3, miscounted=1) == Verdict(inputs=1, lost=1) + Verdict(
        inputs=2, lost=2, miscounted=1
    )
