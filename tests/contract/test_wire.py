"""What the producer sends, the worker understands; what the input schema allows, it labels."""

import json
import string
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tests.answers import unseeded
from textsieve.files.rows import BadRow, Row
from textsieve.producer.columns import Columns, to_message
from textsieve.producer.messages import MAX_VALUE_BYTES, Message, encode
from textsieve.producer.scenario import generate
from textsieve.worker.outcome import Outcome
from textsieve.worker.pipeline import build_pipeline
from textsieve.worker.records import DeadLetter, Document, Record
from textsieve.worker.settings import Settings
from textsieve.worker.stages.decode import Decode
from textsieve.worker.testing import HashingPredictor

SCHEMAS = Path(__file__).parents[2] / "worker" / "schemas"

texts = st.text(min_size=1).filter(str.strip)
scalars = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text()
values = st.recursive(
    scalars.filter(lambda value: value not in (float("inf"), float("-inf"))),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
names = st.text(string.ascii_letters + "éλ_ .", min_size=1, max_size=8).filter(lambda name: name not in {"id", "text"})
objects = st.dictionaries(st.sampled_from(["text", "id", "channel", "Text"]), values, max_size=4)


def validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads((SCHEMAS / f"{name}.schema.json").read_text(encoding="utf-8")))


def record(message: Message, offset: int = 0) -> Record:
    return Record("messages", 0, offset, message.key, message.value, 1000, message.headers)


def decode(value: bytes) -> Document | DeadLetter:
    return Decode().decode(Record("messages", 0, 0, None, value, 1000))


def process(records: list[Record]) -> Outcome:
    pipeline = build_pipeline(Settings(), predictor=HashingPredictor(), assign=unseeded, now_ms=lambda: 2000)
    return pipeline.process(records)


@given(texts, st.none() | st.text(), st.dictionaries(names, values, max_size=4))
def test_what_the_producer_encodes_comes_out_as_it_went_in(text, document_id, attributes):
    document = decode(encode(text, document_id=document_id, attributes=attributes))

    assert isinstance(document, Document)
    passed_on = {name: json.loads(bytes(raw)) for name, raw in document.attributes.items()}
    assert (text, document_id, attributes) == (document.text, document.id, passed_on)


@given(texts, st.none() | st.text(), st.dictionaries(names, values, max_size=4))
def test_what_the_producer_encodes_fits_the_input_schema(text, document_id, attributes):
    validator("input").validate(json.loads(encode(text, document_id=document_id, attributes=attributes)))


@given(objects)
def test_an_object_is_labelled_exactly_when_it_fits_the_input_schema(value):
    fits = validator("input").is_valid(value)

    assert fits == isinstance(decode(json.dumps(value).encode()), Document)


@pytest.mark.parametrize("count", [300, 1000])
def test_of_a_generated_stream_exactly_the_malformed_messages_are_refused(count):
    records = [record(message, offset) for offset, message in enumerate(generate(count, malformed_share=0.02))]

    outcome = process(records)

    assert (count - count // 50, count // 50) == (len(outcome.results), len(outcome.dead_letters))


def test_a_generated_stream_is_malformed_in_every_way_it_knows():
    records = [record(message, offset) for offset, message in enumerate(generate(60, malformed_share=0.1))]

    reasons = Counter(process(records).reasons)

    assert dict.fromkeys(["not_json", "not_utf8", "empty_text", "no_text", "null_value", "not_an_object"], 1) == reasons


def test_results_of_a_generated_stream_fit_their_schema():
    records = [record(message, offset) for offset, message in enumerate(generate(200, malformed_share=0))]
    of_results = validator("result")

    outcome = process(records)

    assert 200 == len(outcome.results)
    for result in outcome.results:
        of_results.validate(json.loads(result.value))


def test_ids_and_attributes_of_a_generated_stream_reach_the_result():
    (message,) = generate(1, malformed_share=0)

    (found,) = process([record(message)]).results

    result, sent = json.loads(found.value), json.loads(message.value)
    assert sent == {"id": result["document_id"], "text": result["text"], **result["attributes"]}
    assert {"channel", "kind", "expected"} == set(result["attributes"])


def test_a_row_that_no_worker_would_read_is_refused_by_the_producer_in_the_same_words():
    row = Row("a.csv", 2, {"text": "x" * 300_000})
    sent = to_message(row, Columns(), max_value_bytes=1_000_000)

    assert to_message(row, Columns()) == BadRow("a.csv:2", decode(sent.value).detail)
    assert Settings().input.max_value_bytes == MAX_VALUE_BYTES == Decode().max_value_bytes
