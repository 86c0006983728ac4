"""What the worker writes fits the schemas it ships, and what does not fit the input schema becomes a dead letter."""

import json
from base64 import b64encode
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from tests.answers import KnownModel, answer, third, unseeded
from textsieve.worker.campaigns.membership import CampaignDetector
from textsieve.worker.connectors.kafka.producer.sending import Stamp
from textsieve.worker.normalization import RULES
from textsieve.worker.pipeline import build_pipeline
from textsieve.worker.records import REASONS, DeadLetter, Document, Header, Outgoing, Partition, Record
from textsieve.worker.redaction import Redactor
from textsieve.worker.settings import RedactSettings, Settings
from textsieve.worker.stages.campaign import FindCampaign
from textsieve.worker.stages.dead_letters import DeadLetterEncoder
from textsieve.worker.stages.decode import Decode
from textsieve.worker.testing import MemoryLeaderStore

SCHEMAS = Path(__file__).parents[2] / "worker" / "schemas"
MAX_VALUE_BYTES = 1000

GOOD = (
    b'{"text": "hello"}',
    b'{"id": "c-1", "text": "hello", "channel": "web", "deep": {"er": [1, null, 2.5]}}',
    b'{"id": null, "text": "hello"}',
    b'{"id": 1.50, "text": "hello"}',
    b'{"text": "null \\u0000 and bell \\u0007"}',
    '{"text": "héllo wörld 你好"}'.encode(),
    b'{"text": "f r e e ca$h"}',
)
BAD = {
    "null_value": None,
    "too_large": b'{"text": "' + b"x" * MAX_VALUE_BYTES + b'"}',
    "not_utf8": b'{"text": "\xff"}',
    "schema_registry": b"\x00\x00\x00\x00\x07\x02\x0ahello",
    "not_json": b"hello",
    "lone_surrogate": b'{"text": "\\udead"}',
    "not_an_object": b'["text"]',
    "no_text": b'{"body": "hello"}',
    "text_not_a_string": b'{"text": 42}',
    "empty_text": b'{"text": " \\n"}',
    "id_not_a_string": b'{"id": true, "text": "hello"}',
}
LATER = {"inference_failed": "inference", "result_too_large": "encode"}  # reason to stage


def _validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads((SCHEMAS / f"{name}.schema.json").read_text(encoding="utf-8")))


def _record(value: bytes | None, *, key: bytes | None = b"k") -> Record:
    return Record("messages", 3, 1042, key, value, 1_795_428_000_000, (("traceparent", b"00-4bf9"),))


def _decode(value: bytes | None) -> Document | DeadLetter:
    return Decode(max_value_bytes=MAX_VALUE_BYTES).decode(_record(value))


def _stamp() -> list[Header]:
    stamp = Stamp("worker-1", "0.1.0", {"messages": "SJ9WzFVUTGOkEfLQJd6Dew"}, lambda: 4)
    return stamp.headers(Partition("messages", 3))


def _whole(letter: Outgoing) -> dict[str, object]:
    return {
        "key": None if letter.key is None else b64encode(letter.key).decode(),
        "value": None if letter.value is None else b64encode(letter.value).decode(),
        "headers": {name: value.decode() for name, value in [*letter.headers, *_stamp()]},
    }


@pytest.mark.parametrize("value", GOOD)
def test_an_input_that_fits_the_schema_is_a_document(value):
    _validator("input").validate(json.loads(value))

    assert isinstance(_decode(value), Document)


def test_there_is_a_bad_input_for_every_reason():
    assert {*BAD, *LATER} == set(REASONS)


def test_results_with_campaigns_fit_their_schema():
    """One of a campaign, and one of none."""
    campaigns = FindCampaign(CampaignDetector(MemoryLeaderStore(), now_ms=lambda: 2000, capacity=10))
    pipeline = build_pipeline(
        Settings(), predictor=KnownModel(), assign=third, now_ms=lambda: 2000, campaigns=campaigns
    )
    texts = (b'{"text": "your parcel is held"}', b'{"text": "your parcel is held"}', b'{"text": "lunch on tuesday"}')

    outcome = pipeline.process([Record("messages", 3, at, None, text, 1000) for at, text in enumerate(texts)])

    results = [json.loads(result.value or b"") for result in outcome.results]
    assert [False, False, True] == [result["campaign"] is None for result in results]
    for result in results:
        _validator("result").validate(result)


@pytest.mark.parametrize("reason", ["text_not_a_string", "no_text", "empty_text", "id_not_a_string", "not_an_object"])
def test_an_input_that_does_not_fit_the_schema_is_a_dead_letter(reason):
    value = BAD[reason]
    assert value is not None

    assert not _validator("input").is_valid(json.loads(value))
    assert isinstance(_decode(value), DeadLetter)


@pytest.mark.parametrize("rules", [(), RULES], ids=["no rules", "all rules"])
@pytest.mark.parametrize("embedding", ["none", "base64", "list"])
@pytest.mark.parametrize("assign", [unseeded, third])
@pytest.mark.parametrize("probabilities", [(0.019, 0.981), (0.6, 0.981), (0.1, 0.2)], ids=["one", "both", "none"])
@pytest.mark.parametrize("value", GOOD)
def test_every_result_fits_its_schema(value, probabilities, assign, embedding, rules):
    model = KnownModel(probabilities, multi_label=True)

    result = answer(_record(value), model=model, assign=assign, embedding=embedding, rules=rules)

    assert result.value is not None
    _validator("result").validate(json.loads(result.value))


@pytest.mark.parametrize(("reason", "value"), BAD.items())
def test_every_dead_letter_of_the_decoder_fits_its_schema(reason, value):
    letter = _decode(value)
    assert isinstance(letter, DeadLetter)

    whole = _whole(DeadLetterEncoder().encode(letter, 1))

    assert whole["headers"]["textsieve.reason"] == reason
    _validator("dead-letter").validate(whole)


@pytest.mark.parametrize(("reason", "stage"), LATER.items())
def test_every_later_dead_letter_fits_its_schema(reason, stage):
    letter = DeadLetter(_record(GOOD[0]), stage, reason, "expected, got")

    _validator("dead-letter").validate(_whole(DeadLetterEncoder().encode(letter, 1)))


@pytest.mark.parametrize("key", [None, b"k", b"k" * 3000])
@pytest.mark.parametrize("value", [None, b"x" * 3000])
def test_dead_letters_that_were_cut_or_had_nothing_fit_their_schema(key, value):
    letter = DeadLetter(_record(value, key=key), "decode", "null_value" if value is None else "not_json", "expected")

    _validator("dead-letter").validate(_whole(DeadLetterEncoder(max_message_bytes=2000).encode(letter, 1)))


@pytest.mark.parametrize("kept", ["redacted", "hash"])
@pytest.mark.parametrize("value", [b'["jo@example.org", "4111111111111111"]', b"\xff", b"hello", b"jo@example.org"])
def test_dead_letters_without_their_value_as_it_came_fit_their_schema(kept, value):
    encoder = DeadLetterEncoder(value=kept, redactor=Redactor.of())
    letter = DeadLetter(_record(value), "decode", "not_json", "expected JSON")

    _validator("dead-letter").validate(_whole(encoder.encode(letter, 1)))


def test_a_redacted_result_fits_its_schema(tmp_path):
    (tmp_path / "keys").write_text(f"2026-11 = {'0f' * 16}")
    redact = RedactSettings(mode="pseudonym", key_file=tmp_path / "keys")

    result = answer(_record(b'{"text": "jo@example.org 4111111111111111", "n": 1}'), text="redacted", redact=redact)

    assert result.value is not None
    assert {"email": 1, "card": 1} == json.loads(result.value)["redacted"]
    _validator("result").validate(json.loads(result.value))
