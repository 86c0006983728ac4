"""Whatever a batch holds, every record is answered once and nobody else's message is blamed."""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from tests.answers import unseeded
from textsieve.worker.batch import Batch, Column
from textsieve.worker.columns import TEXT
from textsieve.worker.errors import DeviceOutOfMemory, PredictorError
from textsieve.worker.inference.prediction.cache import CachingPredictor
from textsieve.worker.inference.predictor import ModelCard, Predictor
from textsieve.worker.outcome import Outcome
from textsieve.worker.pipeline import Pipeline, build_pipeline
from textsieve.worker.records import Assignments, DeadLetter, Embeddings, Predictions, Record
from textsieve.worker.settings import ModelSettings, OutputSettings, Settings
from textsieve.worker.stages.encode import contributed_fields
from textsieve.worker.stages.predict import MAX_ISOLATED
from textsieve.worker.testing import HashingPredictor, header

POISON = "poison"
VALUES = {
    "good": b'{"text": "hello"}',
    "bad": b"no json",
    "null": None,
    "poison": b'{"text": "poison"}',
    "huge": b'{"text": "%s"}' % (b"a" * 3000),
}

mixes = st.lists(st.tuples(st.sampled_from(sorted(VALUES)), st.integers(min_value=0, max_value=2)), max_size=60)


def numbered(embeddings: Embeddings) -> Assignments:
    """Every row in a cluster of its own, so that a row can be told from its neighbours."""
    return Assignments(np.arange(len(embeddings)), np.linspace(0, 1, len(embeddings), dtype=np.float32), 4)


def pipeline(
    predictor: Predictor,
    *,
    assign: Callable[[Embeddings], Assignments] = unseeded,
    normalize: bool = False,
) -> Pipeline:
    settings = Settings(model=ModelSettings(normalize=normalize), output=OutputSettings(max_message_bytes=2000))
    return build_pipeline(settings, predictor=predictor, assign=assign, now_ms=lambda: 5)


def allergic() -> HashingPredictor:
    return HashingPredictor(fail_on=POISON, failure=PredictorError("boom"))


def records(values: Sequence[bytes | None]) -> list[Record]:
    return [Record("in", 0, offset, None, value, 1000) for offset, value in enumerate(values)]


def interleaved(mix: Sequence[tuple[str, int]]) -> list[Record]:
    """Records of several partitions, mixed as a poll mixes them."""
    following: Counter[int] = Counter()
    found = []
    for kind, partition in mix:
        found.append(Record("in", partition, following[partition], None, VALUES[kind], 1000))
        following[partition] += 1
    return found


def answered(outcome: Outcome) -> list[tuple[int, int]]:
    return [(m.source.partition, m.offset) for m in [*outcome.results, *outcome.dead_letters]]


def good(count: int) -> list[bytes]:
    return [b'{"text": "message %d"}' % number for number in range(count)]


@given(mixes)
def test_every_record_is_in_results_or_dead_letters_once(mix):
    batch = interleaved(mix)

    outcome = pipeline(allergic()).process(batch)

    assert sorted((record.partition, record.offset) for record in batch) == sorted(answered(outcome))


@given(mixes)
def test_only_good_messages_become_results(mix):
    outcome = pipeline(allergic()).process(interleaved(mix))

    reasons = {"bad": "not_json", "null": "null_value", "poison": "inference_failed", "huge": "result_too_large"}
    assert Counter(reasons[kind] for kind, _ in mix if kind != "good") == Counter(outcome.reasons)


@given(mixes)
def test_results_of_a_partition_stand_in_the_order_of_its_records(mix):
    outcome = pipeline(allergic()).process(interleaved(mix))

    for partition in range(3):
        offsets = [result.offset for result in outcome.results if result.source.partition == partition]
        assert sorted(offsets) == offsets


@given(mixes)
def test_what_is_learned_are_the_results_row_by_row(mix):
    predictor = allergic()
    alone = predictor.predict(["hello"]).embeddings[0]

    outcome = pipeline(predictor).process(interleaved(mix))

    rows = outcome.observations
    assert [(result.source, result.offset) for result in outcome.results] == list(
        zip(rows.sources, rows.offsets.tolist(), strict=True)
    )
    assert [alone.tolist()] * len(outcome.results) == rows.embeddings.tolist()
    assert len(outcome.results) == len(rows.cluster_ids)


@given(mixes)
def test_what_is_measured_has_one_entry_per_answer(mix):
    outcome = pipeline(allergic()).process([*interleaved(mix), Record("in", 3, 0, None, VALUES["good"], 1000)])

    per_result = (outcome.label_ids, outcome.scores, outcome.distances, outcome.token_counts)
    assert [len(outcome.results)] * 4 == [len(column) for column in per_result]
    assert [header(letter, "reason") for letter in outcome.dead_letters] == list(outcome.reasons)


@pytest.mark.parametrize("values", [[], [b"no json", None, b"{}"], [VALUES["huge"]] * 2])
def test_a_batch_without_results_has_nothing_to_learn(values):
    outcome = pipeline(HashingPredictor()).process(records(values))

    assert ([], len(values)) == (list(outcome.results), len(outcome.dead_letters))
    assert 0 == len(outcome.observations.offsets) == len(outcome.observations.embeddings)


def test_a_model_is_not_asked_about_messages_that_cannot_be_decoded():
    predictor = HashingPredictor()

    pipeline(predictor).process(records([b"no json", None]))

    assert [] == predictor.seen


def test_documents_are_predicted_in_one_pass():
    predictor = HashingPredictor()

    pipeline(predictor).process(records([b"no json", *good(50)]))

    assert [50] == predictor.seen


def test_rows_without_a_result_are_left_out_of_every_column():
    values = [b'{"text": "one"}', VALUES["huge"], b'{"text": "three"}']

    outcome = pipeline(HashingPredictor(), assign=numbered).process(records(values))

    assert [0, 2] == outcome.observations.offsets.tolist()
    assert [0, 2] == outcome.observations.cluster_ids.tolist()
    assert [0.0, 1.0] == outcome.distances.tolist()


def test_the_label_is_the_one_with_the_highest_probability():
    outcome = pipeline(_Fixed([[0.2, 0.8], [0.7, 0.3]])).process(records(good(2)))

    assert [1, 0] == outcome.label_ids.tolist()
    np.testing.assert_allclose([0.8, 0.7], outcome.scores)
    assert b'"label":"b","score":0.8,"scores":{"a":0.2,"b":0.8},"labels":["b"]' in outcome.results[0].value


def test_a_label_below_its_threshold_is_not_given_and_the_score_is_that_of_the_label_given():
    strict = _Fixed([[0.3, 0.7], [0.1, 0.9]], replace(FIXED, thresholds={"b": 0.8}))

    outcome = pipeline(strict).process(records(good(2)))

    assert [0, 1] == outcome.label_ids.tolist()
    np.testing.assert_allclose([0.3, 0.9], outcome.scores, rtol=1e-6)
    assert b'"label":"a","score":0.3,"scores":{"a":0.3,"b":0.7},"labels":["a"]' in outcome.results[0].value


@pytest.mark.parametrize(
    ("row", "label", "labels"), [([0.6, 0.7], "b", '["a","b"]'), ([0.6, 0.2], "a", '["a"]'), ([0.1, 0.2], "b", "[]")]
)
def test_independent_labels_are_given_each_for_itself(row, label, labels):
    several = _Fixed([row], replace(FIXED, multi_label=True))

    value = pipeline(several).process(records(good(1))).results[0].value

    assert f'"label":"{label}"'.encode() in value
    assert f'"labels":{labels}'.encode() in value


def test_the_same_messages_get_the_same_answers_again():
    strict = _Fixed([[0.3, 0.7], [0.1, 0.9]], replace(FIXED, thresholds={"b": 0.8}))

    first, again = (pipeline(strict).process(records(good(2))).results for _ in range(2))

    assert [result.value for result in first] == [result.value for result in again]


def test_texts_beyond_the_window_of_the_model_are_counted_among_results():
    long = b'{"text": "%s"}' % (b"w " * 300)

    outcome = pipeline(HashingPredictor()).process(records([*good(2), long, long]))

    assert 2 == outcome.truncated
    assert [2, 2, 256, 256] == outcome.token_counts.tolist()


def test_the_model_reads_what_a_disguise_hides_and_the_result_has_what_came():
    predictor = CachingPredictor(HashingPredictor(), messages=10)
    values = [b'{"text": "free cash"}', b'{"text": "f r e e ca$h"}']
    undoing = pipeline(predictor, normalize=True)

    first, second = (undoing.process(records([value])) for value in values)

    assert first.observations.embeddings.tolist() == second.observations.embeddings.tolist()
    assert (0, 1) == (first.obfuscated, second.obfuscated)
    assert b'"obfuscated"' not in first.results[0].value
    assert b'"text":"f r e e ca$h"' in second.results[0].value
    assert second.results[0].value.endswith(b'"obfuscated":true}')


def test_a_text_is_read_as_it_came_where_nothing_is_to_be_undone():
    outcome = pipeline(HashingPredictor()).process(records([b'{"text": "f r e e ca$h"}']))

    assert 0 == outcome.obfuscated
    assert b"obfuscated" not in outcome.results[0].value


def test_a_disguised_message_that_becomes_no_result_is_not_counted():
    values = [b'{"text": "f r e e %s"}' % (b"a" * 3000), b'{"text": "f r e e"}']

    assert 1 == pipeline(HashingPredictor(), normalize=True).process(records(values)).obfuscated


@given(st.integers(min_value=1, max_value=200), st.data())
def test_isolating_poison_costs_at_most_two_passes_per_halving_and_a_probe(count, data):
    poison = data.draw(st.sets(st.integers(min_value=0, max_value=count - 1), max_size=MAX_ISOLATED))
    values = [VALUES["poison"] if offset in poison else VALUES["good"] for offset in range(count)]
    predictor = allergic()

    outcome = pipeline(predictor).process(records(values))

    assert sorted(poison) == sorted(letter.offset for letter in outcome.dead_letters)
    assert len(predictor.seen) <= 1 + len(poison) * (2 * math.ceil(math.log2(count)) + 1)


def test_a_batch_of_nothing_but_poison_is_all_dead_letters():
    outcome = pipeline(allergic()).process(records([VALUES["poison"]] * MAX_ISOLATED))

    assert ["inference_failed"] * MAX_ISOLATED == list(outcome.reasons)


def test_more_poison_than_messages_could_be_blamed_for_is_the_models_fault():
    batch = records([VALUES["poison"]] * (MAX_ISOLATED + 1))

    with pytest.raises(PredictorError, match="boom"):
        pipeline(allergic()).process(batch)


def test_a_model_that_fails_on_everything_blames_no_message():
    predictor = HashingPredictor(fail_on="e", failure=PredictorError("boom"))  # in the texts and in the probe

    with pytest.raises(PredictorError, match="boom"):
        pipeline(predictor).process(records([VALUES["good"]]))


def test_a_model_that_breaks_later_blames_no_message_either_where_repeats_are_answered_without_it():
    model = allergic()
    cached = pipeline(CachingPredictor(model, messages=100))
    cached.process(records([VALUES["poison"]]))  # the model is asked whether it works, and does
    model.fail_on = "e"
    batch = records([VALUES["poison"], *good(1)])[1:]

    with pytest.raises(PredictorError, match="boom"):
        cached.process(batch)


def test_a_device_without_memory_is_nobodys_fault_and_the_batch_is_not_split():
    predictor = HashingPredictor(fail_on=POISON, failure=DeviceOutOfMemory("full"))

    with pytest.raises(DeviceOutOfMemory):
        pipeline(predictor).process(records([*good(8), VALUES["poison"]]))

    assert [9] == predictor.seen


def test_the_detail_of_a_poison_message_names_the_error_and_quotes_nothing():
    failure = PredictorError("cannot read 'poison'")
    failure.__cause__ = ValueError("'poison' is no number")
    predictor = HashingPredictor(fail_on=POISON, failure=failure)

    outcome = pipeline(predictor).process(records([VALUES["poison"]]))

    assert "the model failed on this message alone: ValueError" == header(outcome.dead_letters[0], "detail")


FIXED = ModelCard("fixed", "1", ("a", "b"), 2, max_tokens=8, fingerprint="fixed")


@dataclass
class _Fixed:
    """A predictor whose probabilities are given."""

    probabilities: list[list[float]]
    card: ModelCard = FIXED

    def predict(self, texts: Sequence[str]) -> Predictions:
        rows = len(texts)
        return Predictions(
            np.asarray(self.probabilities, np.float32),
            np.ones((rows, 2), np.float32),
            np.ones(rows, np.int64),
            np.zeros(rows, np.bool_),
        )


class Hasty(HashingPredictor):
    """Answers no more than `most` texts of a call."""

    most = 2

    def predict(self, texts: Sequence[str]) -> Predictions:
        return super().predict(texts[: self.most])


@given(mixes)
def test_where_time_is_short_the_first_records_are_answered_and_no_other(mix):
    batch = interleaved(mix)

    outcome = pipeline(Hasty()).process(batch)

    first = batch[: outcome.records]
    documents = [record for record in batch if record.value in (VALUES["good"], VALUES["poison"], VALUES["huge"])]
    assert sorted((record.partition, record.offset) for record in first) == sorted(answered(outcome))
    assert documents[:2] == [record for record in first if record in documents]
    assert len(documents) > 2 or outcome.records == len(batch)


@given(mixes)
def test_time_that_is_short_while_poison_is_singled_out_leaves_a_prefix_too(mix):
    batch = interleaved(mix)
    predictor = Hasty(fail_on=POISON, failure=PredictorError("boom"))

    outcome = pipeline(predictor).process(batch)

    first = batch[: outcome.records]
    assert outcome.records or not batch
    assert sorted((record.partition, record.offset) for record in first) == sorted(answered(outcome))


SHOUT = Column[list[object]]("shout")


class Shouting:
    """A stage that contributes a field of the result, or leaves it out, and refuses what is too quiet."""

    needs = (TEXT,)
    gives = (SHOUT,)
    fields: ClassVar = {"shout": SHOUT}

    def run(self, batch: Batch) -> Batch:
        loud = [row for row, text in enumerate(batch[TEXT]) if text != "..."]
        quiet = [record for record, text in zip(batch.records, batch[TEXT], strict=True) if text == "..."]
        rejected = [DeadLetter(record, "decode", "empty_text", "too quiet") for record in quiet]
        batch = batch.take(loud, rejected=rejected)
        return batch.with_columns(SHOUT.of([{"loud": text.upper()} if text != "no" else UNSET for text in batch[TEXT]]))


def with_shouting() -> Pipeline:
    whole = pipeline(HashingPredictor())
    *stages, encode = whole.stages
    stages = [*stages, Shouting()]
    return replace(whole, stages=[*stages, replace(encode, contributed=contributed_fields(stages))])


def test_a_stage_contributes_a_field_behind_those_of_before():
    (before,) = pipeline(HashingPredictor()).process(records(good(1))).results
    (after,) = with_shouting().process(records(good(1))).results

    assert before.value[:-1] + b',"shout":{"loud":"MESSAGE 0"}}' == after.value


def test_a_stage_leaves_its_field_out_where_it_has_nothing_to_say():
    (plain,) = pipeline(HashingPredictor()).process(records([b'{"text": "no"}'])).results

    assert plain.value == with_shouting().process(records([b'{"text": "no"}'])).results[0].value


def test_any_stage_may_reject_a_row():
    outcome = with_shouting().process(records([*good(1), b'{"text": "..."}', *good(1)]))

    assert ([0, 2], [1]) == ([r.offset for r in outcome.results], [r.offset for r in outcome.dead_letters])
    assert [0, 2] == outcome.observations.offsets.tolist()


def test_stages_that_do_not_fit_together_make_no_pipeline():
    whole = pipeline(HashingPredictor())

    with pytest.raises(ValueError, match="stage Normalize: expected earlier stages to give text"):
        replace(whole, stages=whole.stages[1:])
