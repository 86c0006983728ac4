"""The summary is a pure function of what was read."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from textsieve.embedded.cluster_space import SpaceState
from textsieve.embedded.demo.summary import Evidence, faults, reasons, shares, summarise
from textsieve.worker.records import Record

STARTED_MS = 1_000_000


def message(partition: int, offset: int, *, timestamp_ms: int = STARTED_MS) -> Record:
    return Record("messages", partition, offset, None, b"{}", timestamp_ms)


def result(source: Record, *, label: str = "ham", worker: str = "w1", after_ms: int = 500) -> Record:
    value = {
        "label": label,
        "source": {"timestamp_ms": source.timestamp_ms},
        "processed_ms": source.timestamp_ms + after_ms,
        "something": "that a newer worker says",
    }
    headers = (_says_source(source), ("textsieve.worker", worker.encode()))
    return Record("labels", source.partition, 0, None, json.dumps(value).encode(), source.timestamp_ms, headers)


def dead_letter(source: Record, *, reason: str = "not_json") -> Record:
    headers = (_says_source(source), ("textsieve.reason", reason.encode()))
    return Record("dead-letters", source.partition, 0, None, None, source.timestamp_ms, headers)


def _says_source(source: Record) -> tuple[str, bytes]:
    return ("textsieve.source", f"{source.topic}/{source.partition}/{source.offset}".encode())


def evidence(inputs, results, dead_letters=(), *, learned: int | None = None) -> Evidence:
    space = SpaceState(learned=len(results) if learned is None else learned, clusters=3, version=7)
    return Evidence(inputs, results, dead_letters, space, started_ms=STARTED_MS - 2000)


def test_every_figure_of_a_clean_run() -> None:
    inputs = [message(0, 0), message(0, 1), message(1, 0, timestamp_ms=STARTED_MS + 1000)]
    results = [result(inputs[0], label="spam"), result(inputs[2], worker="w2", after_ms=1000)]

    summary = summarise(evidence(inputs, results, [dead_letter(inputs[1])]))

    assert [] == faults(summary, expected=3)
    assert (3, 2, 1, 0, 0) == (
        summary.produced,
        summary.labelled,
        summary.dead_lettered,
        summary.lost,
        summary.duplicates,
    )
    assert (3, 2, 2) == (summary.clusters, summary.learned, summary.workers)
    assert {"ham": 1, "spam": 1} == summary.labels
    assert 1.5 == summary.messages_per_second  # three answers; first sent to last labelled took 2 s
    assert (0.75, 0.995) == (summary.p50_seconds, summary.p99_seconds)
    assert 2.5 == summary.seconds_to_first_result


def test_an_empty_run_has_no_figures_and_is_a_fault() -> None:
    summary = summarise(evidence([], []))

    assert summary.p50_seconds is summary.messages_per_second is summary.seconds_to_first_result is None
    assert ["expected messages, got none"] == faults(summary)


def test_a_result_and_a_dead_letter_for_one_message_are_a_repeat() -> None:
    only = message(0, 0)

    summary = summarise(evidence([only], [result(only)], [dead_letter(only)]))

    assert (1, 0, 1) == (summary.labelled, summary.dead_lettered, summary.duplicates)
    assert ["1 answers are repeats"] == faults(summary)


def test_an_answer_to_a_message_that_never_was_is_a_fault() -> None:
    only = message(0, 0)

    summary = summarise(evidence([only], [result(only), result(message(3, 99))]))

    assert any("some answers belong to no message" in fault for fault in faults(summary))


def test_a_result_that_does_not_say_its_source_is_a_fault() -> None:
    only = message(0, 0)
    anonymous = Record("labels", 0, 0, None, result(only).value, 0, ())

    summary = summarise(evidence([only], [anonymous]))

    assert any("neither a result nor a dead letter" in fault for fault in faults(summary))


def test_clusters_that_learned_another_number_are_a_fault() -> None:
    only = message(0, 0)

    summary = summarise(evidence([only], [result(only)], learned=2))

    assert ["the clusters learned 2 results, expected 1"] == faults(summary)


def test_messages_that_the_producer_says_were_accepted_but_are_not_there_are_a_fault() -> None:
    only = message(0, 0)

    summary = summarise(evidence([only], [result(only)]))

    assert ["expected 2 messages in the input topic, got 1"] == faults(summary, expected=2)


def test_shares_and_reasons_count_by_header() -> None:
    inputs = [message(0, offset) for offset in range(5)]

    by_worker = shares([result(inputs[0], worker="b"), result(inputs[1], worker="a"), result(inputs[2], worker="b")])
    by_reason = reasons([dead_letter(inputs[3], reason="not_json"), dead_letter(inputs[4], reason="null_value")])

    assert {"a": 1, "b": 2} == by_worker
    assert {"not_json": 1, "null_value": 1} == by_reason


def test_a_record_that_is_no_result_is_refused() -> None:
    with pytest.raises(ValueError, match="label"):
        summarise(evidence([message(0, 0)], [Record("labels", 0, 0, None, b"{}", 0)]))


@given(
    fates=st.lists(
        st.tuples(st.sampled_from(["labelled", "dead", "lost"]), st.integers(0, 2)),  # what became of it, repeats
        max_size=40,
    ),
    order=st.randoms(use_true_random=False),
)
def test_lost_and_repeated_are_counted_whatever_the_order(fates, order) -> None:
    inputs = [message(number % 4, number // 4) for number in range(len(fates))]
    results, letters = [], []
    for source, (fate, repeats) in zip(inputs, fates, strict=True):
        if fate == "labelled":
            results += [result(source)] * (1 + repeats)
        elif fate == "dead":
            letters += [dead_letter(source)] * (1 + repeats)
    for records in (results, letters):
        order.shuffle(records)

    summary = summarise(evidence(inputs, results, letters))

    by_fate = {fate: sum(f == fate for f, _ in fates) for fate in ("labelled", "dead", "lost")}
    assert by_fate == {"labelled": summary.labelled, "dead": summary.dead_lettered, "lost": summary.lost}
    assert sum(repeats for fate, repeats in fates if fate != "lost") == summary.duplicates
    assert len(fates) == summary.produced == summary.labelled + summary.dead_lettered + summary.lost
    assert summary.labelled == sum(summary.labels.values())
