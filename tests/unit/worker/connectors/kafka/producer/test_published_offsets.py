"""How far the log of answers is read back, over a consumer that has the log in memory."""

from collections.abc import Iterable, Mapping
from types import SimpleNamespace

import pytest
from kafka import TopicPartition
from kafka.errors import KafkaTimeoutError

from textsieve.worker.connectors.kafka.producer import published_offsets
from textsieve.worker.connectors.kafka.producer.published_offsets import STALLED_SECONDS, PublishedOffsetsReader
from textsieve.worker.errors import BrokerUnavailable, PartitionUnavailable
from textsieve.worker.records import Partition, Position
from textsieve.worker.settings import KafkaSettings
from textsieve.worker.testing import ManualClock

BATCH = 3
WINDOW = 4 * BATCH  # records read back at first
LOG = TopicPartition("labels", 0)
SOURCE = Partition("in", 0)


def answer(offset: int, *, source: str = "in/0", topic_id: str = "now"):
    return [("textsieve.source", f"{source}/{offset}".encode()), ("textsieve.topic-id", topic_id.encode())]


class Log:
    """A log in memory, and what two consumers see of it.

    Args:
        answers: headers of the records, partition by partition.
        first: offset of the first record.
        per_poll: most records of one partition that a poll brings.
        markers: offsets at the end that no record has, as transactions leave them.
        highwater: what fetch responses say of the end, relative to the true one; None: they say nothing.
        end: what a question for the end is answered with, relative to the true one.
    """

    def __init__(
        self,
        answers: Mapping[int, list],
        *,
        first: int = 0,
        per_poll: int = 1,
        markers: int = 0,
        highwater: int | None = 0,
        end: int = 0,
    ) -> None:
        self.answers, self.first, self.per_poll, self.markers = answers, first, per_poll, markers
        self.told_highwater, self.told_end = highwater, end
        self.clock = ManualClock(0.0)
        self.positions: dict[TopicPartition, int] = {}
        self.begins: list[dict[int, int]] = []  # where each reading began
        self.hidden: set[int] = set()  # partitions from which nothing comes
        self.leaderless: set[int] = set()

    @property
    def _cluster(self):
        return SimpleNamespace(leader_for_partition=lambda log: -1 if log.partition in self.leaderless else 1)

    def _end(self, log: TopicPartition) -> int:
        return self.first + len(self.answers[log.partition]) + self.markers

    def beginning_offsets(self, logs: Iterable[TopicPartition], timeout_ms: int) -> dict:
        asked = [log for log in logs if log.partition not in self.leaderless]
        if not asked:
            raise KafkaTimeoutError
        found = dict.fromkeys(asked, self.first)
        return {log: found[log] for log in logs}  # as the library's: it misses what it did not ask for

    def end_offsets(self, logs: Iterable[TopicPartition], timeout_ms: int) -> dict:
        return {log: self._end(log) + self.told_end for log in logs}

    def assign(self, logs: Iterable[TopicPartition]) -> None:
        self.positions = dict.fromkeys(logs, 0)
        self.begins.append({})

    def seek(self, log: TopicPartition, offset: int) -> None:
        self.positions[log] = offset
        self.begins[-1][log.partition] = offset

    def poll(self, timeout_ms: int, max_records: int) -> dict:
        self.clock.advance(timeout_ms / 1000)
        found = {}
        for log, position in self.positions.items():
            records = self.answers[log.partition][position - self.first :][: self.per_poll]
            if log.partition in self.hidden:
                continue
            if records:
                found[log] = [SimpleNamespace(headers=headers) for headers in records]
                self.positions[log] += len(records)
            elif position < self._end(log):
                self.positions[log] = self._end(log)  # past the markers
        return found

    def position(self, log: TopicPartition, timeout_ms: int) -> int:
        return self.positions[log]

    def highwater(self, log: TopicPartition) -> int | None:
        return None if self.told_highwater is None else self._end(log) + self.told_highwater


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch):
    def reading(log: Log, starts: Mapping[Partition, int], *, preset: str = "kafka", session_ms: int = 6_000):
        monkeypatch.setattr(published_offsets, "time", SimpleNamespace(monotonic=log.clock))
        settings = KafkaSettings(preset=preset, session_timeout_ms=session_ms)
        reader = PublishedOffsetsReader(settings, LOG.topic, BATCH, _reader=log, _ends=log)
        return reader.read({source: Position(offset, "now") for source, offset in starts.items()})

    return reading


@pytest.mark.parametrize("preset", ["kafka", "embedded"])
@pytest.mark.parametrize("markers", [0, 1])
@pytest.mark.parametrize("first", [0, 7])
def test_the_log_is_read_to_its_last_answer(read, preset, markers, first) -> None:
    log = Log({0: [answer(offset) for offset in range(4)]}, markers=markers, first=first)

    assert {SOURCE: {2, 3}} == read(log, {SOURCE: 2}, preset=preset)


def test_an_empty_log_is_read_at_once(read) -> None:
    log = Log({0: []})

    assert {SOURCE: set()} == read(log, {SOURCE: 0})
    assert log.clock.now < 1


@pytest.mark.parametrize("starts", [{SOURCE: 0}, {SOURCE: 0, Partition("in", 1): 0}], ids=["all", "one of two"])
def test_answers_whose_log_nobody_leads_keep_back_their_own_partition_only(read, starts) -> None:
    log = Log({0: [], 1: []})
    log.leaderless = {0}

    with pytest.raises(PartitionUnavailable) as refused:
        read(log, starts)

    assert {SOURCE} == refused.value.partitions


def test_that_work_goes_on_is_told_again_and_again_while_a_long_log_is_read() -> None:
    log, told = Log({0: [answer(offset) for offset in range(40)]}), []
    settings = KafkaSettings(preset="kafka")
    reader = PublishedOffsetsReader(
        settings, LOG.topic, BATCH, lambda: told.append(log.clock()), _reader=log, _ends=log
    )

    reader.read({SOURCE: Position(0, "now")})

    assert len(told) >= 40 / log.per_poll


def test_an_end_that_fetch_responses_tell_too_early_is_not_believed_on_kafka(read) -> None:
    log = Log({0: [answer(offset) for offset in range(4)]}, highwater=-2)

    assert {SOURCE: {0, 1, 2, 3}} == read(log, {SOURCE: 0})


@pytest.mark.parametrize("preset", ["kafka", "embedded"])
def test_fetch_responses_that_say_nothing_of_the_end_are_no_end(read, preset) -> None:
    log = Log({0: [answer(offset) for offset in range(4)]}, highwater=None)

    if preset == "kafka":
        assert {SOURCE: {0, 1, 2, 3}} == read(log, {SOURCE: 0})
    else:
        with pytest.raises(BrokerUnavailable):
            read(log, {SOURCE: 0}, preset=preset)


def test_an_end_that_the_embedded_broker_answers_too_early_is_not_believed(read) -> None:
    log = Log({0: [answer(offset) for offset in range(4)]}, end=-2)

    assert {SOURCE: {0, 1, 2, 3}} == read(log, {SOURCE: 0}, preset="embedded")


def test_only_as_much_is_read_as_holds_a_whole_batch_of_older_answers(read) -> None:
    log = Log({0: [answer(offset) for offset in range(100)]}, first=5)

    assert {SOURCE: set(range(97, 100))} == read(log, {SOURCE: 97})
    assert [{0: 105 - WINDOW}] == log.begins


def test_exactly_a_batch_of_older_answers_is_enough(read) -> None:
    strangers = [[("who", b"ever")]] * (WINDOW - BATCH - 1)
    log = Log({0: [answer(0)] * 50 + [answer(offset) for offset in range(BATCH)] + strangers + [answer(BATCH)]})

    assert {SOURCE: {BATCH}} == read(log, {SOURCE: BATCH})
    assert 1 == len(log.begins)


def test_one_older_answer_less_and_more_of_the_log_is_read(read) -> None:
    late = answer(9)  # of a hole that was filled late: others lie behind it
    strangers = [[("who", b"ever")]] * (WINDOW - BATCH + 1)
    log = Log({0: [answer(0), late] + [answer(0)] * 60 + [answer(1)] * (BATCH - 1) + strangers})

    found = read(log, {SOURCE: 5})

    assert {SOURCE: set()} == found
    assert [WINDOW, 4 * WINDOW] == [len(log.answers[0]) - begin[0] for begin in log.begins]


def test_answers_far_behind_what_others_wrote_are_found(read) -> None:
    others = [answer(offset, source="elsewhere/0") for offset in range(40)]
    log = Log({0: [answer(7), *others]}, per_poll=50)

    assert {SOURCE: {7}} == read(log, {SOURCE: 5})


def test_partitions_are_read_side_by_side_and_only_the_shallow_one_again(read) -> None:
    second = Partition("in", 1)
    deep = [answer(offset) for offset in range(50)]
    shallow = [answer(3, source="in/1")] + [answer(offset, source="elsewhere/1") for offset in range(40)]
    log = Log({0: deep, 1: shallow})

    assert {SOURCE: {49}, second: {3}} == read(log, {SOURCE: 49, second: 2})
    assert [{0, 1}, {1}] == [set(begin) for begin in log.begins]


def test_every_source_of_a_log_must_have_been_seen_deep_enough(read) -> None:
    other = Partition("more", 0)
    mine = [answer(offset) for offset in range(30)]
    log = Log({0: [answer(4, source="more/0"), *mine]})

    assert {SOURCE: {29}, other: {4}} == read(log, {SOURCE: 29, other: 0})


@pytest.mark.parametrize(
    "strange",
    [answer(1, source="in/1"), answer(1, source="other/0"), answer(1, topic_id="before"), [("who", b"ever")]],
    ids=["another partition's", "another topic's", "of another life", "a stranger's"],
)
def test_what_answers_something_else_is_no_answer(read, strange) -> None:
    log = Log({0: [answer(0), strange, answer(2)]})

    assert {SOURCE: {0, 2}} == read(log, {SOURCE: 0})


def test_an_answer_that_does_not_say_which_life_it_is_of_counts(read) -> None:
    log = Log({0: [answer(0, topic_id="")]})

    assert {SOURCE: {0}} == read(log, {SOURCE: 0})


@pytest.mark.parametrize(("session_ms", "seconds"), [(6_000, STALLED_SECONDS), (45_000, 45.0)])
def test_a_log_from_which_nothing_comes_is_given_up_by_name_after_a_session(read, session_ms, seconds) -> None:
    log = Log({0: [answer(0)], 1: [answer(0, source="in/1")]})
    log.hidden = {1}

    with pytest.raises(BrokerUnavailable, match=rf"nothing came for {seconds:.0f} s from labels/1$"):
        read(log, {SOURCE: 0, Partition("in", 1): 0}, session_ms=session_ms)

    assert seconds <= log.clock.now < seconds + 1


def test_a_log_that_comes_slowly_is_not_given_up(read) -> None:
    log = Log({0: [answer(offset) for offset in range(1_000)]})

    assert {SOURCE: set(range(1_000))} == read(log, {SOURCE: 0})
    assert log.clock.now > STALLED_SECONDS
